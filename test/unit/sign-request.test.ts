import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessScope } from '../../cli/sign/guess-scope.ts';
import { parseUrl, toSentPath, toSentQuery } from '../../cli/sign/parse-url.ts';
import { prepareRequest } from '../../cli/sign/prepare-request.ts';
import { printCurl, signPrepared } from '../../cli/sign/print-request.ts';
import { printScript } from '../../cli/sign/print-script.ts';

test('the host of a service of AWS says service and region, and another host says neither', () => {
  const cases: [host: string, service: string | null, region: string | null][] = [
    ['s3.amazonaws.com', 's3', 'us-east-1'],
    ['s3.eu-west-1.amazonaws.com', 's3', 'eu-west-1'],
    ['s3-eu-west-1.amazonaws.com', 's3', 'eu-west-1'],
    ['my.bucket.s3.eu-west-1.amazonaws.com', 's3', 'eu-west-1'],
    ['bucket.s3.dualstack.us-gov-west-1.amazonaws.com', 's3', 'us-gov-west-1'],
    ['bucket.s3-fips.dualstack.us-east-2.amazonaws.com:443', 's3', 'us-east-2'],
    ['bucket.s3-accelerate.amazonaws.com', 's3', null],
    ['s3.cn-north-1.amazonaws.com.cn', 's3', 'cn-north-1'],
    ['kms.eu-west-1.amazonaws.com', 'kms', 'eu-west-1'],
    ['kms-fips.ca-central-1.amazonaws.com', 'kms', 'ca-central-1'],
    ['sts.amazonaws.com', 'sts', 'us-east-1'],
    ['iam.amazonaws.com', 'iam', 'us-east-1'],
    ['abc123.execute-api.ap-southeast-2.amazonaws.com', 'execute-api', 'ap-southeast-2'],
    ['email.eu-west-1.amazonaws.com', 'ses', 'eu-west-1'],
    ['abc.lambda-url.eu-west-1.on.aws', 'lambda', 'eu-west-1'],
    ['storage.example.com', null, null],
    ['amazonaws.com.example.com', null, null],
    ['127.0.0.1:9000', null, null],
  ];
  for (const [host, service, region] of cases) assert.deepEqual(guessScope(host), { service, region }, host);
});

test('a URL goes out as it was typed, but for what a URL cannot carry', () => {
  const url = parseUrl("HTTPS://Host.Example:443/b/../a b//é/%2e%41+'(x)?b=1 2&a=+&&c&d=%2f=");
  assert.deepEqual([url.scheme, url.host], ['https', 'host.example']);
  assert.equal(toSentPath(url.rawPath, 's3'), '/b/../a%20b//%C3%A9/.A%2B%27%28x%29');
  assert.equal(toSentPath(url.rawPath, 'standard'), '/b/../a%20b//%C3%A9/%2E%41%2B%27%28x%29');
  assert.equal(toSentQuery(url.rawQuery), 'b=1%202&a=%20&c&d=%2F%3D');
  assert.equal(parseUrl('http://h:80').host, 'h');
  assert.equal(parseUrl('http://[::1]:9000/b').host, '[::1]:9000');
  assert.equal(toSentPath('', 's3'), '/');
});

test('a name that begins with a dash is no option of curl, in the command and in the script', () => {
  const options = { header: [], part: [], region: 'eu-west-1', dataFile: '-T x' };
  const request = prepareRequest('https://h.example/b/k', options, {});
  const time = {
    at: new Date(0),
    credentials: { accessKeyId: 'A', secretAccessKey: 'S' },
    payloadHash: 'UNSIGNED-PAYLOAD',
  };
  assert.match(printCurl(request, signPrepared(request, time)), /--upload-file '\.\/-T x' \\\n/);
  const script = printScript(request, undefined);
  assert.match(script, /\nfile='-T x'\n/);
  assert.match(script, /case \$file in -\*\) file=\.\/\$file ;; esac/);
});

test('the region of the environment comes after that of the host, and before none', () => {
  const region = (url: string, environment: NodeJS.ProcessEnv, given?: string): string =>
    prepareRequest(url, { header: [], part: [], ...(given !== undefined && { region: given }) }, environment).region;
  const both = { AWS_REGION: 'eu-west-3', AWS_DEFAULT_REGION: 'eu-west-2' };
  assert.equal(region('https://s3.eu-west-1.amazonaws.com/b/k', both), 'eu-west-1');
  assert.equal(region('https://s3.eu-west-1.amazonaws.com/b/k', both, 'auto'), 'auto');
  assert.equal(region('https://h.example/b/k', both), 'eu-west-3');
  assert.equal(region('https://h.example/b/k', { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-2' }), 'eu-west-2');
});
