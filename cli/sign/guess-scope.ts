/**
 * Service and region as the hosts of amazonaws.com say them. A host of anybody else says neither. What is guessed here is what the
 * scope of the signature names, which for a few services is not the first label of the host.
 * Source: AWS, "AWS service endpoints" and "Regional endpoints of Amazon S3".
 */
export interface GuessedScope {
  readonly service: string | null;
  readonly region: string | null;
}

const AWS = /^(.+)\.amazonaws\.com(?:\.cn)?$/;
const LAMBDA_URL = /^[a-z0-9]+\.lambda-url\.([a-z0-9-]+)\.on\.aws$/;
const REGION = /^[a-z]{2,3}(-[a-z]+)+-\d+$/;
/** `s3-eu-west-1`, the old spelling. */
const DASHED_S3 = /^s3-(.+)$/;

/** Services with one endpoint for the world, which sign for this region. */
const GLOBAL: ReadonlySet<string> = new Set(['s3', 'sts', 'iam', 'route53', 'cloudfront', 'organizations']);
const GLOBAL_REGION = 'us-east-1';

/** First label of the host to the name that is signed, where they differ. */
const SIGNING_NAMES: ReadonlyMap<string, string> = new Map([
  ['email', 'ses'],
  ['email-smtp', 'ses'],
  ['bedrock-runtime', 'bedrock'],
  ['bedrock-agent', 'bedrock'],
  ['bedrock-agent-runtime', 'bedrock'],
]);

export function guessScope(host: string): GuessedScope {
  const name = host.replace(/:\d+$/, '');
  const lambda = LAMBDA_URL.exec(name)?.[1];
  if (lambda !== undefined) return { service: 'lambda', region: lambda };
  const labels = AWS.exec(name)?.[1]?.split('.') ?? [];
  let last = labels.pop();
  if (last === undefined) return { service: null, region: null };
  if (!REGION.test(last)) {
    const dashed = DASHED_S3.exec(last)?.[1];
    if (dashed !== undefined && REGION.test(dashed)) return { service: 's3', region: dashed };
    if (last === 's3-accelerate' || (last === 'dualstack' && labels.at(-1) === 's3-accelerate'))
      return { service: 's3', region: null };
    const service = toService(last);
    return { service, region: GLOBAL.has(service) ? GLOBAL_REGION : null };
  }
  const region = last;
  last = labels.pop();
  if (last === 'dualstack') last = labels.pop();
  return { service: last === undefined ? null : toService(last), region };
}

function toService(label: string): string {
  const plain = label.replace(/-fips$/, '');
  return SIGNING_NAMES.get(plain) ?? plain;
}
