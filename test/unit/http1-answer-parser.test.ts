import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AnswerParser } from '../../http1/answer-parser.ts';
import type { AnswerHeaders, HttpErrorCode } from '../../http1/exchange.ts';

interface Seen {
  status: number;
  headers: AnswerHeaders;
  body: string;
  /** null while it has not ended. */
  isLast: boolean | null;
  /** What `push` said of the last piece. */
  isClean: boolean;
  /** How often a final head was told. */
  heads: number;
}

/** Reads the pieces as one answer. @throws what the parser throws */
function read(pieces: readonly string[], { method = 'GET', ends = false } = {}): Seen {
  const seen: Seen = { status: 0, headers: {}, body: '', isLast: null, isClean: true, heads: 0 };
  const parser = new AnswerParser({
    onHead(status, headers) {
      seen.status = status;
      seen.headers = { ...headers };
      seen.heads += 1;
    },
    onData: (chunk) => void (seen.body += Buffer.from(chunk).toString('latin1')),
    onEnd: (isLast) => void (seen.isLast = isLast),
  });
  parser.start(method);
  for (const piece of pieces) {
    // As the shared buffer does: what was not copied is overwritten by the next read.
    const bytes = Buffer.from(piece, 'latin1');
    seen.isClean = parser.push(bytes);
    bytes.fill(0x21);
  }
  if (ends) parser.end();
  return seen;
}

const cut = (text: string, at: readonly number[]): string[] => {
  const edges = [0, ...[...at].sort((a, b) => a - b), text.length];
  return edges.slice(1).map((edge, index) => text.slice(edges[index], edge));
};

const ANSWERS: readonly { readonly text: string; readonly body: string }[] = [
  { text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "a"\r\n\r\nhello', body: 'hello' },
  { text: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', body: '' },
  { text: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', body: 'ok' },
  { text: 'HTTP/1.1 204 No Content\r\n\r\n', body: '' },
  { text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n', body: '' },
  {
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n1\r\n!\r\n0\r\nx-trailer: 1\r\n\r\n',
    body: 'hello!',
  },
];

describe('answers of HTTP/1.1', () => {
  it('are read the same however the connection cuts them', () => {
    for (const { text, body } of ANSWERS) {
      for (let at = 0; at <= text.length; at++) {
        const seen = read(cut(text, [at]));
        assert.deepEqual(
          { body: seen.body, isLast: seen.isLast, heads: seen.heads, isClean: seen.isClean },
          { body, isLast: false, heads: 1, isClean: true },
          `${JSON.stringify(text)} cut at ${String(at)}`,
        );
      }
      fc.assert(
        fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (at) => {
          const seen = read(cut(text, at));
          assert.equal(seen.body, body);
          assert.equal(seen.isLast, false);
        }),
        { numRuns: 200 },
      );
    }
  });

  it('keep the bytes of values, names in lower case, repeats as a list', () => {
    const { headers } = read([
      'HTTP/1.1 200 \r\nX-Amz-Meta-A: \t caf\xc3\xa9 \xa0\t \r\nB:\r\nb: 2\r\nContent-Length: 0\r\n\r\n',
    ]);
    assert.deepEqual({ ...headers }, { 'x-amz-meta-a': 'caf\xc3\xa9 \xa0', b: ['', '2'], 'content-length': '0' });
  });

  it('to HEAD have no body, whatever their length says', () => {
    const seen = read(['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'], { method: 'HEAD' });
    assert.deepEqual([seen.body, seen.isLast], ['', false]);
  });

  it('without a length end with the connection, which is then of no more use', () => {
    const seen = read(['HTTP/1.1 500 Oops\r\n\r\nhalf ', 'and half'], { ends: true });
    assert.deepEqual([seen.body, seen.isLast], ['half and half', true]);
  });

  it('that say close, or are of HTTP/1.0, are the last', () => {
    for (const head of [
      'HTTP/1.1 200 OK\r\nConnection: x, Close\r\n',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n',
    ]) {
      assert.equal(read([`${head}Content-Length: 0\r\n\r\n`]).isLast, true);
    }
  });

  it('with bytes behind them are told, and the bytes are not', () => {
    const seen = read(['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx']);
    assert.deepEqual([seen.body, seen.heads, seen.isClean], ['ok', 1, false]);
  });

  const ok = 'HTTP/1.1 200 OK\r\n';
  const MALFORMED: Readonly<Record<string, string>> = {
    'no status line': 'hello\r\n\r\n',
    'another protocol': 'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.2': 'HTTP/1.2 200 OK\r\n\r\n',
    'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
    'interim answers without end': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(33)}${'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'}`,
    'a change of protocol': 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n',
    'two lengths': `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    'a list of lengths': `${ok}Content-Length: 5, 5\r\n\r\nhello`,
    'a signed length': `${ok}Content-Length: +5\r\n\r\nhello`,
    'a length in hex': `${ok}Content-Length: 0x5\r\n\r\nhello`,
    'an empty length': `${ok}Content-Length:\r\n\r\nhello`,
    'a length and chunks': `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'another coding': `${ok}Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n`,
    'two codings': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'a coding twice': `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a folded header': `${ok}A: 1\r\n Content-Length: 5\r\n\r\n`,
    'a blank before the colon': `${ok}Content-Length : 5\r\n\r\nhello`,
    'a header without a name': `${ok}: 5\r\n\r\n`,
    'a header without a colon': `${ok}nothing\r\n\r\n`,
    'a bare line feed in a head': `${ok}A: 1\nContent-Length: 5\r\n\r\n`,
    'a bare carriage return in a head': `${ok}A: 1\rContent-Length: 5\r\n\r\n`,
    'a NUL in a head': `${ok}A: \0\r\n\r\n`,
    'a chunk size that is none': `${ok}Transfer-Encoding: chunked\r\n\r\nx\r\n`,
    'a chunk size with a blank': `${ok}Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n`,
    'a chunk size of 14 digits': `${ok}Transfer-Encoding: chunked\r\n\r\n00000000000005\r\nhello\r\n`,
    'a chunk longer than its size': `${ok}Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`,
    'a chunk line that ends in a line feed': `${ok}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`,
    'a chunk line without end': `${ok}Transfer-Encoding: chunked\r\n\r\n5;${'x'.repeat(5000)}`,
    'trailers without end': `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(65)}`,
  };
  for (const [what, text] of Object.entries(MALFORMED)) {
    it(`are refused with ${what}, whole or byte by byte`, () => {
      assert.throws(() => read([text]), { code: 'HTTP_MALFORMED' satisfies HttpErrorCode });
      assert.throws(() => read([...text]), { code: 'HTTP_MALFORMED' satisfies HttpErrorCode });
    });
  }

  it('are refused when their head has no end', () => {
    const text = `${ok}A: ${'x'.repeat(40_000)}`;
    assert.throws(() => read([text]), { code: 'HTTP_HEAD_TOO_LARGE' satisfies HttpErrorCode });
    assert.throws(() => read(cut(text, [10_000, 20_000, 30_000])), {
      code: 'HTTP_HEAD_TOO_LARGE' satisfies HttpErrorCode,
    });
  });

  it('that are cut short are never taken for whole', () => {
    for (const { text } of ANSWERS) {
      for (let length = 0; length < text.length; length++) {
        assert.throws(
          () => {
            const seen = read([text.slice(0, length)], { ends: true });
            // Where the body was to be empty, the head's last line decides.
            assert.equal(seen.isLast, null, `${JSON.stringify(text)}, ${String(length)} bytes of it`);
          },
          { name: 'HttpError' },
          `${JSON.stringify(text)}, ${String(length)} bytes of it`,
        );
      }
    }
  });

  it('of any bytes end in an answer, a refusal, or a wait for more', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 200 OK\r\n',
        'Content-Length: 3\r\n',
        'Transfer-Encoding: chunked\r\n',
        '\r\n',
        '0\r\n',
        '3\r\nabc\r\n',
      ),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          read(pieces, { ends: true });
        } catch (error) {
          assert.equal((error as Error).name, 'HttpError');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
