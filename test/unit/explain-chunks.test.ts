/** A head that holds and a body in chunks that does not: the chunk is named, and what was done to it. The signer is the examiner's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from '../../sigv4/explain/explain.ts';
import { readEvidence } from '../../sigv4/evidence/read-evidence.ts';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { AMZ_TIME, buildRequest, plan } from '../support/examiner/breakage.ts';
import { raw } from '../support/examiner/forms.ts';
import { SK, hmac, setH, sha, sign, type Request } from '../support/examiner/signer.ts';

const SIGNED = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SCOPE = `${AMZ_TIME.slice(0, 8)}/eu-west-1/s3/aws4_request`;
const KEY = [AMZ_TIME.slice(0, 8), 'eu-west-1', 's3', 'aws4_request'].reduce<Buffer | string>(
  (key, text) => hmac(key, text),
  `AWS4${SK}`,
);
const DATA = ['first line\nsecond line\n', 'the middle of it', 'the last words'];
const TRAILER: readonly [string, string] = ['x-amz-checksum-crc32', 'NhCmhg=='];

interface Bend {
  readonly mode?: string;
  readonly decoded?: string;
  /** Of a chunk's string to sign. */
  readonly previous?: (right: string, seed: string) => string;
  readonly algorithm?: string;
  readonly hashed?: (data: string) => string;
  readonly trailer?: {
    readonly text: string;
    readonly previous?: (last: string, all: readonly string[]) => string;
  } | null;
  readonly announced?: string;
}

/** Each chunk as it stands in the body, its line end included; the trailers are the last. */
function build(bend: Bend = {}): { head: Request; pieces: string[] } {
  const head = buildRequest('PUT', '/my-bucket/key', {
    hash: bend.mode ?? SIGNED,
    h: [
      ['Content-Encoding', 'aws-chunked'],
      ['x-amz-decoded-content-length', bend.decoded ?? String(DATA.join('').length)],
      ...(bend.announced === undefined ? [] : [['x-amz-trailer', bend.announced] as [string, string]]),
    ],
  });
  const names = ['host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-decoded-content-length'];
  const signed = sign(head, plan({ signed: bend.announced === undefined ? names : [...names, 'x-amz-trailer'] }));
  const seed = signed.signature;
  const pieces: string[] = [];
  const signatures = [seed];
  for (const data of [...DATA, '']) {
    const previous = bend.previous?.(signatures.at(-1) ?? '', seed) ?? signatures.at(-1) ?? '';
    const text = [
      bend.algorithm ?? 'AWS4-HMAC-SHA256-PAYLOAD',
      AMZ_TIME,
      SCOPE,
      previous,
      sha(''),
      sha(bend.hashed?.(data) ?? data),
    ];
    signatures.push(hmac(KEY, text.join('\n')).toString('hex'));
    pieces.push(
      `${data.length.toString(16)};chunk-signature=${signatures.at(-1) ?? ''}\r\n${data}${data === '' ? '' : '\r\n'}`,
    );
  }
  if (bend.trailer === undefined || bend.trailer === null) pieces.push('\r\n');
  else {
    const last = signatures.at(-1) ?? '';
    const previous = bend.trailer.previous?.(last, signatures) ?? last;
    const text = ['AWS4-HMAC-SHA256-TRAILER', AMZ_TIME, SCOPE, previous, sha(bend.trailer.text)];
    pieces.push(
      `${TRAILER.join(':')}\r\nx-amz-trailer-signature:${hmac(KEY, text.join('\n')).toString('hex')}\r\n\r\n`,
    );
  }
  return { head: signed.req, pieces };
}

function ask(head: Request, body: string, secret: string | null = SK) {
  const bytes = Buffer.from(body);
  const dump = raw(setH({ ...head, body: bytes }, 'Content-Length', String(bytes.length)));
  return explain(readEvidence(dump), { crypto: nodeCrypto, secret });
}

const TRAILED = { mode: `${SIGNED}-TRAILER`, announced: TRAILER[0] };
const LINE = `${TRAILER.join(':')}\n`;

test('chunks and trailers that are right are not accused', () => {
  for (const bend of [{}, { ...TRAILED, trailer: { text: LINE } }]) {
    const { head, pieces } = build(bend);
    const { verdict, findings } = ask(head, pieces.join(''));
    assert.deepEqual([verdict, findings], ['holds', []]);
  }
  // HTTP's own chunks around them, as a capture shows it.
  const { head, pieces } = build();
  const whole = pieces.join('');
  const outer = `${whole.length.toString(16)}\r\n${whole}\r\n0\r\n\r\n`;
  const dump = raw({ ...setH(head, 'Transfer-Encoding', 'chunked'), body: Buffer.from(outer) });
  assert.equal(explain(readEvidence(dump), { crypto: nodeCrypto, secret: SK }).verdict, 'holds');
});

const change =
  (at: number, alter: (piece: string) => string): ((pieces: string[]) => string[]) =>
  (pieces) =>
    pieces.map((piece, index) => (index === at ? alter(piece) : piece));

const BROKEN: readonly (readonly [
  name: string,
  bend: Bend,
  alter: (pieces: string[]) => string[],
  id: string,
  says: RegExp,
])[] = [
  [
    'a byte of a chunk',
    {},
    change(1, (piece) => piece.replace('middle', 'muddle')),
    'chunk-signature',
    /chunk 2 of 4 .*16 bytes were changed on the way: the chunk behind it holds/,
  ],
  [
    'line ends inside a chunk',
    {},
    change(0, (piece) => piece.replace('17;', '15;').replace('first line\nsecond line\n', 'first linesecond line')),
    'chunk-signature',
    /chunk 1 of 4/,
  ],
  [
    'two chunks in the other order',
    {},
    ([a = '', b = '', ...rest]) => [b, a, ...rest],
    'chunk-signature',
    /chunk 1 of 4 .*instead of the one before it|order was changed/,
  ],
  ['a chunk that is missing', {}, ([a = '', , ...rest]) => [a, ...rest], 'chunk-signature', /chunk 2 of 3/],
  [
    'a chunk that was split',
    {},
    change(1, (piece) =>
      piece
        .replace('10;', '5;')
        .replace('the middle of it\r\n', `the m\r\nb;chunk-signature=${'0'.repeat(64)}\r\niddle of it\r\n`),
    ),
    'chunk-signature',
    /chunk 2 of 5 .*split on the way/,
  ],
  [
    'each signs the seed',
    { previous: (_right, seed) => seed },
    (pieces) => pieces,
    'chunk-signature',
    /chunk 2 of 4 .*signs the seed/,
  ],
  [
    'the algorithm of the head',
    { algorithm: 'AWS4-HMAC-SHA256' },
    (pieces) => pieces,
    'chunk-signature',
    /chunk 1 of 4 .*begins with AWS4-HMAC-SHA256/,
  ],
  [
    'the line end hashed along',
    { hashed: (data) => `${data}\r\n` },
    (pieces) => pieces,
    'chunk-signature',
    /chunk 1 of 4 .*line end was hashed/,
  ],
  [
    'no signatures',
    {},
    (pieces) => pieces.map((piece) => piece.replace(/;chunk-signature=\w+/, '')),
    'chunk-framing-lost',
    /chunks have no signatures.*written anew/,
  ],
  ['no framing', {}, () => [DATA.join('')], 'chunk-framing-lost', /no chunks.*taken off/],
  ['the end cut off', {}, (pieces) => pieces.slice(0, 2), 'chunks-cut', /behind 2 chunks and 39 bytes/],
  [
    'the length of the framing announced',
    { decoded: '400' },
    (pieces) => pieces,
    'decoded-length',
    /says 400, and the chunks hold 53/,
  ],
  [
    'the trailer hashed with CRLF',
    { ...TRAILED, trailer: { text: LINE.replace('\n', '\r\n') } },
    (pieces) => pieces,
    'trailer-signature',
    /hashed with CRLF/,
  ],
  [
    'the trailer hashed without its line feed',
    { ...TRAILED, trailer: { text: LINE.trim() } },
    (pieces) => pieces,
    'trailer-signature',
    /without its line feed/,
  ],
  [
    'the trailer on the wrong signature',
    { ...TRAILED, trailer: { text: LINE, previous: (_last, all) => all.at(-2) ?? '' } },
    (pieces) => pieces,
    'trailer-signature',
    /last chunk with data/,
  ],
  [
    'the value of the trailer',
    { ...TRAILED, trailer: { text: LINE } },
    (pieces) => pieces.map((piece) => piece.replace('NhCmhg', 'AAAAAA')),
    'trailer-signature',
    /each chunk holds, and the signature of the trailer does not/,
  ],
  [
    'the trailer dropped',
    { ...TRAILED, trailer: { text: LINE } },
    (pieces) => [...pieces.slice(0, -1), '\r\n'],
    'trailer-missing',
    /announces x-amz-checksum-crc32/,
  ],
];

for (const [name, bend, alter, id, says] of BROKEN) {
  test(`the chunk and the cause are named: ${name}`, () => {
    const { head, pieces } = build(bend);
    const { verdict, findings } = ask(head, alter(pieces).join(''));
    assert.equal(verdict, 'found');
    assert.equal(findings[0]?.id, id, findings[0]?.culprit);
    assert.match(findings[0].culprit, says);
    for (const { culprit } of findings)
      assert.doesNotMatch(culprit, /[0-9a-f]{64}/, 'no signature stands in an answer');
  });
}

test('without the secret the framing is looked at, and no signature is judged', () => {
  const { head, pieces } = build();
  assert.equal(ask(head, DATA.join(''), null).findings[0]?.id, 'chunk-framing-lost');
  assert.equal(ask(head, pieces.join('').replace('middle', 'muddle'), null).verdict, 'unknown');
});

test('a head that does not hold is explained before its chunks', () => {
  const { head, pieces } = build();
  const { findings } = ask(setH(head, 'Host', 's3.eu-west-1.amazonaws.com:443'), pieces.join(''));
  assert.equal(findings[0]?.id, 'host-port');
});
