/** The gateway behind a proxy that rewrites: with `gateway.explain: true` the operator reads what was rewritten; what does not count is let through. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RefusalFinding } from '../../gateway/admin/explain-refusals.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { providerStore, startGateway, type StartedGateway } from '../support/start-gateway.ts';
import { send, type RequestPlan } from '../support/signed-request.ts';
import { startRewritingProxy, type Passing } from '../support/start-rewriting-proxy.ts';
import { startStore, TEST_CREDENTIALS, type StartedStore } from '../support/start-store.ts';
import { until } from '../support/until.ts';

interface Refusal {
  readonly code: string;
  readonly finding?: RefusalFinding;
}
const TOKEN = 'a-token-of-the-admin-listener';

const setHeader =
  (name: string, change: (value: string) => string) =>
  ({ headers }: Passing): void => {
    for (const header of headers) if (header[0].toLowerCase() === name) header[1] = change(header[1]);
  };

interface Rewrite {
  readonly what: string;
  readonly plan: RequestPlan;
  readonly rewrite: (passing: Passing) => void;
  readonly id: string;
  readonly says: RegExp;
}

const LIST: RequestPlan = { method: 'GET', target: '/photos?list-type=2&prefix=a' };
const REWRITES: readonly Rewrite[] = [
  {
    what: 'Host',
    plan: LIST,
    rewrite: (passing) => {
      passing.headers.push(['X-Forwarded-Host', passing.headers.find(([name]) => name === 'Host')?.[1] ?? '']);
      setHeader('host', () => 'backend:9000')(passing);
    },
    id: 'host-rewritten',
    says: /127\.0\.0\.1/,
  },
  {
    what: 'Accept-Encoding',
    plan: {
      ...LIST,
      headers: [['accept-encoding', 'identity']],
      signedHeaders: ['host', 'x-amz-date', 'x-amz-content-sha256', 'accept-encoding'],
    },
    rewrite: setHeader('accept-encoding', () => 'gzip, br'),
    id: 'accept-encoding-rewritten',
    says: /identity/,
  },
  {
    what: 'a prefix of the path that is taken off',
    plan: { ...LIST, target: `/s3${LIST.target}` },
    rewrite: (passing) => (passing.target = passing.target.replace('/s3/', '/')),
    id: 'path-prefix',
    says: /\/s3/,
  },
  {
    what: 'a double slash that is merged',
    plan: { method: 'GET', target: '/photos/a//b.txt' },
    rewrite: (passing) => (passing.target = passing.target.replace('//', '/')),
    id: 'path-changed-on-the-way',
    says: /double slash/,
  },
  {
    what: 'a parameter that is added',
    plan: LIST,
    rewrite: (passing) => (passing.target += '&utm_source=mail'),
    id: 'query-parameter-added',
    says: /utm_source/,
  },
  {
    what: 'blanks of a header',
    plan: { ...LIST, headers: [['x-amz-meta-list', 'a,b,c']] },
    rewrite: setHeader('x-amz-meta-list', (value) => value.replaceAll(',', ', ')),
    id: 'header-spaces',
    says: /x-amz-meta-list/,
  },
  {
    what: 'the framing of a body whose length was signed',
    plan: {
      method: 'PUT',
      target: '/photos/a.txt',
      body: 'hello',
      headers: [['content-length', '5']],
      signedHeaders: ['host', 'x-amz-date', 'x-amz-content-sha256', 'content-length'],
      // It is sent once: the client writes its own.
      tamper: (headers) => headers.filter(([name]) => name !== 'content-length'),
    },
    rewrite: (passing) => (passing.isReframed = true),
    id: 'signed-header-missing',
    says: /content-length is signed and did not arrive/,
  },
  {
    what: 'the time',
    plan: LIST,
    rewrite: setHeader('x-amz-date', (value) =>
      value.replace(/\d\dZ$/, (two) => `${String((Number(two.slice(0, 2)) + 30) % 60).padStart(2, '0')}Z`),
    ),
    id: 'date-rewritten',
    says: /time of the request was changed/,
  },
];

describe('gateway.explain behind a proxy that rewrites', () => {
  let store: StartedStore;
  before(async () => {
    store = await startStore({ buckets: ['photos'] });
  });
  after(() => store.close());

  const start = (): Promise<StartedGateway> =>
    startGateway({
      stores: [providerStore(store.endpoint, { region: 'us-east-1' })],
      keys: [{ name: 'worker', session: true }],
      gateway: {
        explain: true,
        adminListen: { host: '127.0.0.1', port: 0 },
        adminToken: 'env:ADMIN',
        sessionSecret: 'env:SEALER',
      },
      secrets: {
        ADMIN: TOKEN,
        SEALER: 'a-session-secret-of-thirty-two-characters',
        PROVIDER_ID: TEST_CREDENTIALS.accessKeyId,
        PROVIDER_SECRET: TEST_CREDENTIALS.secretAccessKey,
      },
    });

  async function listRefusals(gateway: StartedGateway): Promise<{ text: string; refusals: readonly Refusal[] }> {
    const answer = await fetch(`${gateway.adminUrl ?? ''}/refusals`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const text = await answer.text();
    return { text, refusals: (JSON.parse(text) as { refusals: readonly Refusal[] }).refusals };
  }

  async function through(
    rewrite: (passing: Passing) => void,
    work: (caller: StartedStore, gateway: StartedGateway) => Promise<void>,
  ): Promise<void> {
    const gateway = await start();
    const proxy = await startRewritingProxy(Number(new URL(gateway.url).port), { request: rewrite });
    try {
      await work({ ...gateway.caller('worker'), port: proxy.port }, gateway);
    } finally {
      await proxy.close();
      await gateway.close();
    }
  }

  async function firstFinding(gateway: StartedGateway): Promise<RefusalFinding | undefined> {
    await until(async () => (await listRefusals(gateway)).refusals[0]?.finding !== undefined);
    return (await listRefusals(gateway)).refusals[0]?.finding;
  }

  for (const { what, plan, rewrite, id, says } of REWRITES) {
    test(`${what} is named`, async () => {
      await through(rewrite, async (caller, gateway) => {
        assert.equal((await send(caller, plan)).code, 'SignatureDoesNotMatch');
        const finding = await firstFinding(gateway);
        assert.equal(finding?.id, id, finding?.culprit);
        assert.match(finding.culprit, says);
        assert.ok(finding.mend.length > 10);
      });
    });
  }

  test('another order of the query and runs of blanks change nothing, and are no refusal', async () => {
    const rewrite = (passing: Passing): void => {
      const [path = '', query = ''] = passing.target.split('?');
      passing.target = `${path}?${query.split('&').reverse().join('&')}`;
      setHeader('x-amz-meta-note', (value) => `  ${value.replaceAll(' ', '   ')}  `)(passing);
    };
    await through(rewrite, async (caller, gateway) => {
      const answer = await send(caller, { ...LIST, headers: [['x-amz-meta-note', 'two words']] });
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await listRefusals(gateway)).refusals.length, 0);
    });
  });

  test('a clock that is off is a refusal of its own, which needs no explaining', async () => {
    await through(
      () => undefined,
      async (caller, gateway) => {
        const answer = await send(caller, { ...LIST, at: new Date(Date.now() - 3_600_000) });
        assert.equal(answer.code, 'RequestTimeTooSkewed');
        assert.equal((await listRefusals(gateway)).refusals[0]?.code, 'RequestTimeTooSkewed');
      },
    );
  });

  test('a presigned URL with a session token in its query is explained, and the token is not shown', async () => {
    const getSession = async (caller: StartedStore): Promise<Credentials> => {
      const body = JSON.stringify({ run: 'nightly', duration_seconds: 900 });
      const headers = [['content-type', 'application/json']] as const;
      const answer = await send(caller, { method: 'POST', target: '/session', body, headers });
      assert.equal(answer.status, 200, answer.text);
      const given = JSON.parse(answer.text) as Record<string, string>;
      return {
        accessKeyId: given['access_key_id'] ?? '',
        secretAccessKey: given['secret_access_key'] ?? '',
        sessionToken: given['session_token'] ?? '',
      };
    };
    const rewrite = (passing: Passing): void => {
      if (passing.target.includes('X-Amz-Signature')) passing.target += '&download=1';
    };
    await through(rewrite, async (caller, gateway) => {
      const credentials = await getSession(gateway.caller('worker'));
      const { sessionToken = '' } = credentials;
      const answer = await send(caller, { ...LIST, credentials, presignSeconds: 60 });
      assert.equal(answer.code, 'SignatureDoesNotMatch', answer.text);
      const finding = await firstFinding(gateway);
      assert.equal(finding?.id, 'query-parameter-added', finding?.culprit);
      assert.match(finding.culprit, /download/);
      const { text } = await listRefusals(gateway);
      const lines = gateway.logged.join('\n');
      for (const where of [text, lines]) {
        assert.ok(!where.includes(sessionToken) && !where.includes(encodeURIComponent(sessionToken)));
        assert.ok(!where.includes(credentials.secretAccessKey));
      }
    });
  });
});
