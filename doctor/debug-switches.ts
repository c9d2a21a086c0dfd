/** Where each client shows its canonical request: `waybill explain` reads what they print. */
export const DEBUG_SWITCHES: readonly (readonly [client: string, how: string])[] = [
  ['aws CLI', 'aws --debug … 2>debug.log'],
  ['boto3', "boto3.set_stream_logger('botocore.auth')"],
  [
    'AWS SDK for JavaScript',
    'client.middlewareStack: log the request after the step finalizeRequest; new S3Client({ logger: console })',
  ],
  ['AWS SDK for Go v2', 'config.WithClientLogMode(aws.LogSigning | aws.LogRequest)'],
  ['AWS SDK for Java 2', 'logger software.amazon.awssdk.auth=DEBUG and software.amazon.awssdk.request=DEBUG'],
  ['rclone', 'rclone -vv --dump headers,auth'],
  ['s3cmd', 's3cmd --debug'],
  ['mc', 'mc --debug'],
  ['s5cmd', 's5cmd --log debug'],
  ['curl', 'curl --aws-sigv4 … -v'],
  ['Waybill gateway', 'gateway.explain: true, then the log and GET /refusals of the admin listener'],
];
