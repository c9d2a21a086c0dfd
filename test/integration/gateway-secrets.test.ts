import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { send } from '../support/signed-request.ts';
import { PROVIDER_CREDENTIALS, startFakeProvider } from '../support/start-fake-provider.ts';
import type { ProviderRequest } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';

const SESSION_TOKEN = 'canary//TOKEN+of=the session/+9';

/** Every form in which a secret could get out. */
function findSecrets(text: string): string[] {
  const lower = text.toLowerCase();
  return [PROVIDER_CREDENTIALS.secretAccessKey, SESSION_TOKEN].flatMap((secret) => {
    const bytes = Buffer.from(secret);
    const forms = [secret, encodeURIComponent(secret), bytes.toString('base64'), bytes.toString('hex')];
    return forms.filter((form) => lower.includes(form.toLowerCase()));
  });
}

describe("the provider's secrets", () => {
  it('are in no answer and no log line, whatever the provider quotes of them', async () => {
    const provider = await startFakeProvider();
    const store = providerStore(provider.endpoint, {
      credentials: {
        accessKeyId: 'env:PROVIDER_ID',
        secretAccessKey: 'env:PROVIDER_SECRET',
        sessionToken: 'env:TOKEN',
      },
    });
    const gateway = await startGateway({
      stores: [store],
      keys: [{ name: 'etl', upload: true }],
      secrets: { TOKEN: SESSION_TOKEN },
    });
    const { secretAccessKey: secret } = PROVIDER_CREDENTIALS;
    const bytes = Buffer.from(secret);
    const said = [secret, SESSION_TOKEN, encodeURIComponent(secret), bytes.toString('base64'), bytes.toString('hex')];
    const quote = (request: ProviderRequest): string =>
      `<Error><Code>SignatureDoesNotMatch</Code><Message>${said.join(' ')} ${SESSION_TOKEN}</Message>` +
      `<CanonicalRequest>${escape(request.header('x-amz-security-token') ?? '')}</CanonicalRequest></Error>`;
    const answers: string[] = [];
    try {
      assert.deepEqual(
        findSecrets(`planted ${bytes.toString('base64')}`),
        [bytes.toString('base64')],
        'the search finds',
      );
      for (const status of [400, 403, 503, 301]) {
        provider.script = (request, response) => {
          assert.equal(request.header('x-amz-security-token'), SESSION_TOKEN);
          response.writeHead(status, { 'x-amz-request-id': encodeURIComponent(secret), 'x-amz-meta-a': secret });
          response.end(quote(request));
        };
        const answer = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
        answers.push(JSON.stringify(answer.headers), answer.text);
        const target_url = `${provider.endpoint}/bucket/key`;
        const upload = await send(gateway.caller('etl'), {
          method: 'POST',
          target: '/upload',
          body: JSON.stringify({ target_url, method: 'PUT', headers: {}, payload_base64: '' }),
        });
        answers.push(JSON.stringify(upload.headers), upload.text);
      }
      provider.script = (_request, response) => response.socket?.destroy();
      answers.push((await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/key', body: 'x' })).text);
    } finally {
      await gateway.close();
      await provider.close();
    }
    assert.ok(gateway.logged.length > 0 && answers.length === 17);
    for (const text of [...gateway.logged, ...answers]) assert.deepEqual(findSecrets(text), [], text);
  });

  it('that the provider does not accept come back as its code', async () => {
    const provider = await startFakeProvider();
    const gateway = await startGateway({
      stores: [providerStore(provider.endpoint)],
      keys: [{ name: 'etl' }],
      secrets: { PROVIDER_SECRET: 'wrong-canary' },
    });
    const unknown = await startGateway({
      stores: [providerStore(provider.endpoint)],
      keys: [{ name: 'etl' }],
      secrets: { PROVIDER_ID: 'AKIDWRONG' },
    });
    try {
      const wrong = await send(gateway.caller('etl'), { method: 'GET', target: '/bucket/key' });
      assert.deepEqual([wrong.status, wrong.code], [403, 'SignatureDoesNotMatch']);
      assert.match(wrong.text, /does not accept the gateway&apos;s|does not accept the gateway's/);
      assert.doesNotMatch(wrong.text, /wrong-canary|StringToSign|CanonicalRequest/);
      const nobody = await send(unknown.caller('etl'), { method: 'GET', target: '/bucket/key' });
      assert.deepEqual([nobody.status, nobody.code], [403, 'InvalidAccessKeyId']);
      assert.doesNotMatch(nobody.text, /AKIDWRONG/);
    } finally {
      await gateway.close();
      await unknown.close();
      await provider.close();
    }
  });
});

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
