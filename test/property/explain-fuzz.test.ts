/**
 * What people paste is cut off, wrapped, mixed up and no request at all. Ten thousand inputs, mutated from real ones, are read and
 * explained without a crash; a megabyte of any of a dozen awkward shapes is read in a time that grows with its length alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVIDENCE_KINDS } from '../../sigv4/evidence/evidence.ts';
import { EVIDENCE_LENGTH_MAX, readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { explainInSteps } from '../../sigv4/explain/explain.ts';
import { findSensitive } from '../../sigv4/explain/find-sensitive.ts';
import { printExplanation } from '../../sigv4/explain/print-explanation.ts';
import { redactExplanation } from '../../sigv4/explain/redact.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import {
  BODY,
  CORRECT,
  SECRET,
  printCanonicalText,
  printStringText,
  signTexts,
  toRequest,
} from '../support/broken-requests.ts';

const INPUTS = 10_000;
const SEED = 20261122;
/** Steps of the search that an input may take, each 64 tries; most take one, and every fiftieth some hundreds of tries. */
const stepsOf = (count: number): number => (count % 50 === 0 ? 8 : 1);

const request = toRequest(signTexts(CORRECT()));
const url = `http://store.example.com:9000${request.path}?${request.query}`;
const http = [
  `${request.method} ${request.path}?${request.query} HTTP/1.1`,
  ...request.headers.map(([name, value]) => `${name}: ${value}`),
  '',
  BODY,
];
const texts = CORRECT();
const log = `botocore.auth - DEBUG - CanonicalRequest:\n${printCanonicalText(texts)}\nDEBUG - StringToSign:\n${printStringText(texts)}\nDEBUG - Signature:\n${signTexts(texts)}\n`;
const CORPUS: readonly string[] = [
  http.join('\r\n'),
  http.join('\n'),
  http.map((line) => `> ${line}`).join('\n'),
  `curl -v -X PUT ${request.headers.map(([name, value]) => `-H '${name}: ${value}'`).join(' ')} -d '${BODY}' '${url}'`,
  `curl --aws-sigv4 aws:amz:us-east-1:s3 --user "A:B" -T file $'http://h/a\\n' \\\n -G --data-urlencode a=b`,
  `${url}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20261122%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20261122T101112Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0'.repeat(64)}`,
  JSON.stringify({
    log: {
      entries: [
        {
          request: {
            method: 'PUT',
            url,
            headers: request.headers.map(([name, value]) => ({ name, value })),
            postData: { text: BODY },
          },
        },
      ],
    },
  }),
  log,
  JSON.stringify({ msg: log }),
  `<Error><Code>SignatureDoesNotMatch</Code><StringToSign>${printStringText(texts)}</StringToSign><CanonicalRequest>${printCanonicalText(texts)}</CanonicalRequest><CanonicalRequestBytes>${Buffer.from(printCanonicalText(texts)).toString('hex')}</CanonicalRequestBytes></Error>`,
  ':method: PUT\n:path: /a?b\n:authority: h\nx-amz-date: 20261122T101112Z\n',
];
const PIECES = [
  ...[
    '',
    '\n',
    '\r\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    '=',
    '&',
    '%',
    '%2',
    '%zz',
    '%2F',
    '%C3',
    '"',
    "'",
    '\\',
    '\\n',
    "$'",
    '<',
    '>',
    ';',
    ',',
    '/',
    '?',
    '#',
  ],
  ...[
    '\u00a0',
    '\ufeff',
    '\ud800',
    'é',
    '𝄞',
    '&#x110000;',
    '&#99999999;',
    '<Error>',
    '</Error>',
    '{',
    '[',
    'null',
    '-',
    '--',
    '-u',
    '@',
    '@-',
  ],
  ...[
    'AWS4-HMAC-SHA256',
    'Credential=',
    'SignedHeaders=',
    'Signature=',
    'host',
    'x-amz-date',
    'GET ',
    'HTTP/1.1',
    'A'.repeat(300),
    ';'.repeat(200),
  ],
];

test('ten thousand mutated inputs never crash', () => {
  const random = createRandom(SEED);
  const pick = <One>(from: readonly One[]): One => from[Math.floor(random() * from.length)] as One;
  let recognised = 0;
  for (let count = 0; count < INPUTS; count++) {
    let text = pick(CORPUS);
    for (let changes = 1 + Math.floor(random() * 6); changes > 0; changes--) {
      const at = Math.floor(random() * (text.length + 1));
      const to = Math.min(text.length, at + Math.floor(random() ** 3 * 200));
      const kind = random();
      if (kind < 0.3) text = text.slice(0, at) + text.slice(to);
      else if (kind < 0.6) text = text.slice(0, at) + pick(PIECES) + text.slice(at);
      else if (kind < 0.75) text = text.slice(0, at) + pick(PIECES) + text.slice(to);
      else if (kind < 0.85) text = text.slice(0, to) + text.slice(at);
      else if (kind < 0.95) text = text.slice(0, at) + pick(CORPUS).slice(-(to - at));
      else text = text.slice(0, at);
    }
    const about = `seed ${SEED}, input ${count}: ${JSON.stringify(text.slice(0, 2000))}`;
    try {
      const as = random() < 0.2 ? pick(EVIDENCE_KINDS) : undefined;
      const sides = readEvidence(text, as);
      if (sides.length === 0) continue;
      recognised += 1;
      const secret = random() < 0.3 ? SECRET : null;
      const steps = explainInSteps(sides.slice(0, 2), { crypto: nodeCrypto, secret });
      for (let step = 0; step < stepsOf(count); step++) {
        const { done, value } = steps.next();
        if (done !== true) continue;
        const shown = printExplanation(redactExplanation(value, findSensitive([text], [SECRET])));
        assert.ok(shown.length > 0 && !shown.includes(SECRET));
        break;
      }
    } catch (error) {
      throw new Error(about, { cause: error });
    }
  }
  assert.ok(recognised > INPUTS / 3, `${recognised} were recognised`);
});

const fill = (piece: string): string => piece.repeat(Math.ceil(EVIDENCE_LENGTH_MAX / piece.length));
const canonical = printCanonicalText(texts);
const SHAPES: Readonly<Record<string, string>> = {
  'one letter': fill('a'),
  'line feeds': fill('\n'),
  'CR and LF': fill('\r\n'),
  blanks: fill(' '),
  tabs: `GET / HTTP/1.1\nHost: h\n${fill('\t')}`,
  'request lines': fill('GET / HTTP/1.1\n'),
  'header lines': `GET / HTTP/1.1\n${fill('x-a: b\n')}`,
  'beginnings of canonical requests': fill('GET\n/\n\nhost:h\n'),
  'canonical requests without an end': fill(`${canonical.slice(0, -10)}\n`),
  'methods on lines': fill('GET\n'),
  'names with colons': `GET\n/\n\n${fill('a:b\n')}`,
  'long lines behind methods': fill(`GET\n${'a'.repeat(16_000)}\n`),
  'signed headers': `GET\n/\n\na:b\n\n${fill('host;')}`,
  'beginnings of strings to sign': fill('AWS4-HMAC-SHA256\n20261122T101112Z\n20261122/'),
  'beginnings of signatures': fill('Signature='),
  'signatures and blanks': fill(`Signature=${' '.repeat(1000)}`),
  'beginnings of error documents': fill('<Error>'),
  'an error document of ampersands': `<Error><Code>A</Code><CanonicalRequest>${fill('&')}`,
  'hex that is odd': `<Error><Code>A</Code><CanonicalRequestBytes>${fill('4')}</CanonicalRequestBytes></Error>`,
  'open tags': `<Error>${fill('<Code>')}</Error>`,
  'curl with quotes': `curl ${fill("'a' ")}`,
  'curl with backslashes': `curl ${fill('\\')}`,
  'curl with data': `curl http://h ${fill('-d a ')}`,
  'curl with users': `curl http://h ${fill('-u ')}`,
  'curl with headers': `curl http://h ${fill('-H a:b ')}`,
  'open brackets': fill('['),
  'open braces': fill('{"log":'),
  'a HAR of entries': `[${fill('{"method":"GET","url":"/","headers":[]},').slice(0, 900_000 - (900_000 % 40))}null]`,
  'escaped line feeds': fill('\\n'),
  'a log line without end': `botocore ${fill('x')}`,
  'pseudo-headers': fill(':path: /\n'),
  'a URL': `https://h/${fill('a%2F')}`,
  'a URL of parameters': `https://h/?X-Amz-Signature=0&${fill('a=b&')}`,
  tokens: fill('x-amz-security-token: '),
  'secret keys': fill('secret_key='),
  schemes: fill('://a:b'),
  quotes: fill('"'),
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`a megabyte: ${name}`, () => {
    const before = process.cpuUsage();
    // No clock: what is quadratic at a megabyte takes minutes, so that the runner's own limit of the file tells it.
    const text = shape.slice(0, EVIDENCE_LENGTH_MAX);
    for (const as of [undefined, ...EVIDENCE_KINDS]) readEvidence(text, as);
    findSensitive([text], []);
    const sides = readEvidence(text);
    // A second is what a person waits; five of this process's own work allow for the slowest machine, and for reading it seven times.
    const { user } = process.cpuUsage(before);
    assert.ok(user < 5_000_000, `${String(user / 1000)} ms of work`);
    if (sides.length === 0) return;
    const { done, value } = explainInSteps(sides.slice(0, 2), { crypto: nodeCrypto, secret: null }).next();
    if (done === true) printExplanation(redactExplanation(value, findSensitive([text], [SECRET])));
  });
}

/** mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
