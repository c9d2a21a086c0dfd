import assert from 'node:assert/strict';
import type http from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createProviderBackend } from '../../gateway/provider/provider-backend.ts';
import { createProviderConnection } from '../../gateway/provider/provider-connection.ts';
import { createSigningKeyCache } from '../../sigv4/signing-key.ts';
import { serveBackend, toVerifiedRequest } from '../support/serve-backend.ts';
import type { RequestFacts, ServedAnswer, ServedBackend } from '../support/serve-backend.ts';
import { answerWell, PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { FakeProvider } from '../support/start-fake-provider.ts';
import { send } from '../support/signed-request.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';
import type { StartedGateway } from '../support/start-gateway.ts';

const RESULT =
  '<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult><ETag>&quot;e&quot;</ETag></CopyObjectResult>';
const FAILED =
  '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code><Message>Try again.</Message></Error>';

describe('copies before a provider', () => {
  let provider: FakeProvider;
  let gateway: StartedGateway;
  before(async () => {
    provider = await startFakeProvider();
    gateway = await startGateway({ stores: [providerStore(provider.endpoint)], keys: [{ name: 'etl' }] });
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.script = (request, response) => {
      if (!request.verdict.ok) answerWell(request, response);
      else response.writeHead(200, { 'content-type': 'application/xml' }).end(RESULT);
    };
  });
  after(async () => {
    await gateway.close();
    await provider.close();
  });
  const copy = (headers: readonly (readonly [string, string])[], target = '/bucket/copy') =>
    send(gateway.caller('etl'), { method: 'PUT', target, headers });

  it('name their source in one form, encoded once from what the policy saw, and carry its conditions', async () => {
    const answer = await copy([
      ['x-amz-copy-source', 'other/a%20b/%2525%2B+%C3%A4?versionId=v%2F1'],
      ['x-amz-copy-source-if-match', '"e"'],
      ['x-amz-copy-source-if-unmodified-since', 'Wed, 01 Jan 2025 00:00:00 GMT'],
      ['x-amz-metadata-directive', 'REPLACE'],
      ['x-amz-tagging-directive', 'COPY'],
      ['x-amz-meta-a', 'b'],
    ]);
    assert.deepEqual([answer.status, answer.text], [200, RESULT]);
    const [seen] = provider.requests;
    assert.ok(seen?.verdict.ok);
    assert.equal(seen.header('x-amz-copy-source'), '/other/a%20b/%2525%2B%20%C3%A4?versionId=v%2F1');
    for (const name of ['if-match', 'if-unmodified-since']) assert.ok(seen.header(`x-amz-copy-source-${name}`));
    assert.equal(seen.header('x-amz-metadata-directive'), 'REPLACE');
    assert.equal(seen.header('x-amz-tagging-directive'), 'COPY');
    assert.equal(seen.header('content-length'), '0');
  });

  it('of a part carry its range', async () => {
    const answer = await copy(
      [
        ['x-amz-copy-source', '/bucket/key'],
        ['x-amz-copy-source-range', 'bytes=0-9'],
      ],
      '/bucket/copy?partNumber=1&uploadId=u',
    );
    assert.equal(answer.status, 200, answer.text);
    assert.equal(provider.requests[0]?.header('x-amz-copy-source-range'), 'bytes=0-9');
    assert.equal(provider.requests[0]?.url, '/bucket/copy?partNumber=1&uploadId=u');
  });

  it('never climb out of a bucket at the source, nor carry keys of SSE-C', async () => {
    const climbing = await copy([['x-amz-copy-source', 'bucket/../other/key']]);
    assert.deepEqual([climbing.status, climbing.code], [400, 'InvalidURI']);
    const keyed = await copy([
      ['x-amz-copy-source', 'bucket/key'],
      ['x-amz-copy-source-server-side-encryption-customer-key', 'a'],
    ]);
    assert.deepEqual([keyed.status, keyed.code], [501, 'NotImplemented']);
    assert.equal(provider.requests.length, 0);
  });

  it('that fail with 200 and an error document fail with its status and code', async () => {
    for (const [document, status, code] of [
      [FAILED, 500, 'InternalError'],
      [FAILED.replaceAll('InternalError', 'SlowDown'), 503, 'SlowDown'],
      [FAILED.replaceAll('InternalError', 'AccessDenied'), 403, 'AccessDenied'],
      [`\n  \n${FAILED.slice(FAILED.indexOf('<Error'))}`, 500, 'InternalError'],
      ['<s:Error xmlns:s="x"><s:Code>NoSuchKey</s:Code></s:Error>', 404, 'NoSuchKey'],
      ['<Error>half', 500, 'InternalError'],
      ['', 500, 'InternalError'],
      ['<html>Bad</html>', 500, 'InternalError'],
    ] as const) {
      provider.script = (_request, response) => void response.writeHead(200).end(document);
      const answer = await copy([['x-amz-copy-source', 'bucket/key']]);
      assert.deepEqual([answer.status, answer.code], [status, code], document);
    }
    provider.script = (_request, response) => void response.writeHead(200).end(FAILED);
    const complete = await send(gateway.caller('etl'), {
      method: 'POST',
      target: '/bucket/key?uploadId=u',
      body: '<CompleteMultipartUpload/>',
    });
    assert.deepEqual([complete.status, complete.code], [500, 'InternalError']);
  });

  describe('that take long', () => {
    let served: ServedBackend;
    before(async () => {
      const backend = createProviderBackend({
        store: providerStore(provider.endpoint),
        credentials: { current: () => PROVIDER_CREDENTIALS },
        connection: createProviderConnection('cloud'),
        keyCache: createSigningKeyCache(),
        keepAliveAfterMs: 0,
      });
      served = await serveBackend(backend);
    });
    after(() => served.close());
    const ask = (facts: Partial<RequestFacts> = {}): Promise<ServedAnswer> =>
      served.ask(toVerifiedRequest({ operation: 'CopyObject', source: { bucket: 'b', key: 'k' }, ...facts }));
    const answerSlowly = (document: string): void => {
      provider.script = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/xml', 'x-amz-version-id': 'v' });
        const [declaration = '', rest = ''] = document.split('\n');
        void blank(response, declaration).then(() => response.end(rest));
      };
    };
    /** Each white space in a packet of its own. */
    async function blank(response: http.ServerResponse, declaration: string): Promise<void> {
      response.write(`${declaration}\n`);
      for (let count = 0; count < 3; count++) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        response.write(' ');
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    }

    it('keep the connection of the caller alive as the provider does, and end with the one document', async () => {
      answerSlowly(RESULT);
      const answer = await ask();
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['x-amz-version-id'], 'v');
      assert.equal(answer.headers['content-length'], undefined);
      assert.match(answer.text, /^<\?xml [^>]+\?>\n {1,3}\s*<CopyObjectResult>.*<\/CopyObjectResult>$/);
    });

    it('tell a failure as S3 does, in the body, with nothing of the provider but code and message', async () => {
      answerSlowly(FAILED.replace('InternalError', 'SlowDown').replace('</Error>', '<HostId>inside</HostId></Error>'));
      const answer = await ask();
      assert.equal(answer.status, 200);
      assert.match(answer.text, /^<\?xml [^>]+\?>\n +\s*<Error><Code>SlowDown<\/Code><Message>Try again\./);
      assert.doesNotMatch(answer.text, /inside/);
    });

    it('never end cleanly when the provider breaks off', async () => {
      provider.script = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/xml' });
        void blank(response, '').then(() => response.destroy());
      };
      await assert.rejects(ask(), /aborted|reset|hang up/);
    });
  });
});
