/** The doctor against a real store behind a proxy that rewrites: each rewrite is named, with what mends it, and what does not count is not accused. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { examine, outcomeOf, statusOf } from '../support/examine.ts';
import { startRewritingProxy, type Passing, type Rewriting } from '../support/start-rewriting-proxy.ts';
import { startStore, type StartedStore } from '../support/start-store.ts';

const setHeader = (passing: Passing, name: string, change: (value: string) => string): void => {
  for (const header of passing.headers) if (header[0].toLowerCase() === name) header[1] = change(header[1]);
};

interface Case {
  readonly title: string;
  readonly rewriting: (store: StartedStore) => Rewriting;
  /** Behind the proxy's URL. */
  readonly path?: string;
  readonly cause: RegExp;
  readonly change: RegExp;
  readonly isWritten?: true;
}

const CASES: readonly Case[] = [
  {
    title: 'Host',
    rewriting: ({ port }) => ({ request: (passing) => setHeader(passing, 'host', () => `127.0.0.1:${String(port)}`) }),
    cause: /Host was signed as 127\.0\.0\.1:\d+ and arrived as 127\.0\.0\.1:\d+/,
    change: /proxy_set_header Host \$http_host/,
  },
  {
    title: 'Accept-Encoding',
    rewriting: () => ({ request: (passing) => setHeader(passing, 'accept-encoding', () => 'gzip') }),
    cause: /Accept-Encoding was signed as identity;q=0\.9, gzip;q=0\.1 and arrived as gzip/,
    change: /pass Accept-Encoding/,
  },
  {
    title: 'a path prefix that is taken off',
    rewriting: () => ({ request: (passing) => void (passing.target = passing.target.replace(/^\/s3(?=\/)/, '')) }),
    path: '/s3',
    cause: /the path lost its beginning \/s3 /,
    change: /proxy_pass http:\/\/backend; without a path/,
  },
  {
    title: 'a path prefix that is put before it',
    rewriting: () => ({ request: (passing) => void (passing.target = `/backend${passing.target}`) }),
    cause: /the path was given another beginning/,
    change: /proxy_pass http:\/\/backend; without a path/,
  },
  {
    title: 'a path that is encoded twice',
    rewriting: () => ({
      request: (passing) =>
        void (passing.target = passing.target.replace(/^[^?]*/, (path) => path.replaceAll('%', '%25'))),
    }),
    cause: /the path was (changed|encoded anew) on the way/,
    change: /keep the path/,
  },
  {
    title: 'a query that is encoded twice',
    rewriting: () => ({
      request: (passing) =>
        void (passing.target = passing.target.replace('waybill%20doctor%2F', 'waybill%2520doctor%2F')),
    }),
    cause: /the query was changed on the way: prefix=waybill%20doctor/,
    change: /keep the query/,
  },
  {
    title: 'a parameter that is added',
    rewriting: () => ({
      request: (passing) => void (passing.target += `${passing.target.includes('?') ? '&' : '?'}cdn=1`),
    }),
    cause: /parameters were added to the query on the way: cdn=1/,
    change: /keep the query/,
  },
  {
    title: 'blanks after commas of a header',
    rewriting: () => ({
      request: (passing) => setHeader(passing, 'x-amz-meta-waybill-doctor', (value) => value.replace(/,\s+/g, ',')),
    }),
    cause: /x-amz-meta-waybill-doctor was given other blanks/,
    change: /pass x-amz-meta-waybill-doctor as it came/,
  },
  {
    title: 'User-Agent',
    rewriting: () => ({ request: (passing) => setHeader(passing, 'user-agent', () => 'Amazon CloudFront') }),
    cause: /user-agent was changed on the way/,
    change: /pass user-agent as it came/,
  },
  {
    title: 'Range that is taken out',
    rewriting: () => ({
      request: (passing) => void (passing.headers = passing.headers.filter(([name]) => name.toLowerCase() !== 'range')),
    }),
    cause: /range was taken out on the way/,
    change: /pass range as it came/,
  },
  {
    title: 'the framing of a body',
    rewriting: () => ({ request: (passing) => void (passing.isReframed = true) }),
    cause: /the body was framed anew on the way/,
    change: /proxy_request_buffering on/,
    isWritten: true,
  },
];

describe('the doctor behind a proxy that rewrites', () => {
  let store: StartedStore;
  before(async () => {
    store = await startStore({ buckets: ['photos'] });
  });
  after(() => store.close());

  for (const { title, rewriting, path = '', cause, change, isWritten } of CASES) {
    test(`${title} is named as the rewrite, with its mend`, async () => {
      const proxy = await startRewritingProxy(store.port, rewriting(store));
      try {
        const writeProbe = isWritten === true ? { bucket: 'photos', prefix: 'waybill-doctor/' } : null;
        const report = await examine(proxy.url + path, { writeProbe });
        const rewrite = outcomeOf(report, 'rewrite');
        assert.equal(rewrite.status, 'fail', JSON.stringify(report.checks, null, 1));
        assert.match(rewrite.cause ?? '', cause);
        assert.match(rewrite.mends[0]?.change ?? '', change);
        assert.equal(rewrite.side, 'between');
        assert.notEqual(statusOf(report, 'key'), 'fail', 'the secret is right and must not be accused');
        assert.equal(report.verdict.isOutage, false);
        assert.match(report.verdict.sentence, /^Not an outage: .* between you and the service/);
        assert.equal(report.verdict.exitCode, 1);
        assert.ok(proxy.passed() > 3);
      } finally {
        await proxy.close();
      }
    });
  }

  test('what the canonical form hides is not accused: another order of the query, runs of blanks, names in upper case', async () => {
    const proxy = await startRewritingProxy(store.port, {
      request: (passing) => {
        const [path = '', query = ''] = passing.target.split('?');
        passing.target = query === '' ? path : `${path}?${query.split('&').reverse().join('&')}`;
        passing.headers = passing.headers
          .reverse()
          .map(([name, value]) => [
            name.toUpperCase(),
            name.toLowerCase() === 'x-amz-meta-waybill-doctor' ? value.replace(/ {2}/g, ' ') : value,
          ]);
      },
    });
    try {
      const report = await examine(proxy.url);
      assert.equal(statusOf(report, 'rewrite'), 'ok', JSON.stringify(report.checks, null, 1));
      assert.equal(report.verdict.exitCode, 0, report.verdict.sentence);
    } finally {
      await proxy.close();
    }
  });

  test('a service that does not say what it saw: the rewrite is found by adding one thing at a time', async () => {
    const proxy = await startRewritingProxy(store.port, {
      request: (passing) => setHeader(passing, 'accept-encoding', () => 'gzip'),
      body: (text) => text.replace(/<(CanonicalRequest|StringToSign)(Bytes)?>[\s\S]*?<\/\1\2>/g, ''),
    });
    try {
      const report = await examine(proxy.url);
      const rewrite = outcomeOf(report, 'rewrite');
      assert.equal(rewrite.status, 'fail');
      assert.equal(rewrite.cause, 'what is signed does not arrive as it was: accept-encoding');
    } finally {
      await proxy.close();
    }
  });

  test('a proxy whose Date is wrong, before a store whose clock is right', async () => {
    const late = new Date(Date.now() + 20 * 60_000).toUTCString();
    const proxy = await startRewritingProxy(store.port, {
      answer: (headers) => {
        for (const header of headers) if (header[0].toLowerCase() === 'date') header[1] = late;
      },
    });
    try {
      const clock = outcomeOf(await examine(proxy.url), 'clock');
      assert.notEqual(clock.status, 'fail', clock.cause ?? '');
      assert.match(clock.cause ?? '', /Date of the answer/);
    } finally {
      await proxy.close();
    }
  });
});
