/** What clients that were not written for a gateway need of it: found by running them against one (`npm run test:clients`). */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { send } from '../support/signed-request.ts';
import { startFakeProvider, answerWell, type FakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';

let provider: FakeProvider;
let gateway: StartedGateway;
before(async () => {
  provider = await startFakeProvider();
  gateway = await startGateway({
    stores: [providerStore(provider.endpoint)],
    keys: [{ name: 'client', allowUnsignedPayload: true }],
  });
});
after(async () => {
  await gateway.close();
  await provider.close();
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.script = answerWell;
});

test("a bucket's region is the one that callers sign for, not the provider's", async () => {
  provider.script = (_request, response) => {
    const document = '<?xml version="1.0"?><LocationConstraint>eu-west-1</LocationConstraint>';
    response.writeHead(200, { 'content-length': document.length, 'x-amz-bucket-region': 'eu-west-1' }).end(document);
  };
  const location = await send(gateway.caller('client'), { method: 'GET', target: '/bucket?location' });
  assert.equal(location.status, 200);
  assert.match(location.text, /<LocationConstraint xmlns="[^"]+"><\/LocationConstraint>$/);
  provider.script = (_request, response) => {
    response.writeHead(200, { 'content-length': 0, 'x-amz-bucket-region': 'eu-west-1' }).end();
  };
  const head = await send(gateway.caller('client'), { method: 'HEAD', target: '/bucket' });
  assert.deepEqual([head.status, head.headers['x-amz-bucket-region']], [200, 'us-east-1']);
});

test('the location of a bucket that is not there is the refusal of the provider', async () => {
  provider.script = (_request, response) => {
    response.writeHead(404).end('<Error><Code>NoSuchBucket</Code><Message>None.</Message></Error>');
  };
  const answer = await send(gateway.caller('client'), { method: 'GET', target: '/absent?location' });
  assert.deepEqual([answer.status, answer.code], [404, 'NoSuchBucket']);
});

test('the checksum of nothing in a presigned URL, as one SDK makes it, holds no body to it at the provider', async () => {
  for (const value of ['AAAAAA%3D%3D', 'DUoRhQ%3D%3D']) {
    const target = `/bucket/key?x-amz-checksum-crc32=${value}&x-amz-sdk-checksum-algorithm=CRC32`;
    const body = 'hello world';
    const answer = await send(gateway.caller('client'), { method: 'PUT', target, body, presignSeconds: 60 });
    assert.equal(answer.status, 200, answer.text);
  }
  const sent = provider.requests.map(({ header }) => [
    header('x-amz-checksum-crc32'),
    header('x-amz-sdk-checksum-algorithm'),
  ]);
  assert.deepEqual(sent, [
    [undefined, undefined],
    ['DUoRhQ==', 'CRC32'],
  ]);
});

test('the name of an algorithm alone in a presigned URL promises nothing, here as at the provider', async () => {
  const target = '/bucket/key?x-amz-sdk-checksum-algorithm=CRC32';
  const answer = await send(gateway.caller('client'), { method: 'PUT', target, body: 'hello', presignSeconds: 60 });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(provider.requests[0]?.header('x-amz-sdk-checksum-algorithm'), undefined);
});

test('attributes are asked of the provider by the names that the caller gave', async () => {
  const headers: [string, string][] = [
    ['x-amz-object-attributes', 'ETag'],
    ['x-amz-object-attributes', 'ObjectParts'],
    ['x-amz-max-parts', '2'],
  ];
  await send(gateway.caller('client'), { method: 'GET', target: '/bucket/key?attributes', headers });
  const [seen] = provider.requests;
  assert.equal(seen?.header('x-amz-object-attributes'), 'ETag, ObjectParts');
  assert.equal(seen?.header('x-amz-max-parts'), '2');
  assert.equal(seen?.verdict.ok, true);
});

test('a range outside the object is told with its size, as the provider told it', async () => {
  provider.script = (_request, response) => {
    response.writeHead(416, { 'content-range': 'bytes */4' });
    response.end('<Error><Code>InvalidRange</Code><Message>Not satisfiable.</Message></Error>');
  };
  const headers: [string, string][] = [['Range', 'bytes=9-']];
  const answer = await send(gateway.caller('client'), { method: 'GET', target: '/bucket/key', headers });
  assert.deepEqual([answer.status, answer.code], [416, 'InvalidRange']);
  assert.equal(answer.headers['content-range'], 'bytes */4');
});
