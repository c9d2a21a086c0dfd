/** A small HTTP proxy of the tests' own, before a store: it does to every request what a misconfigured one in the world does, and nothing else. */
import http from 'node:http';
import type net from 'node:net';

export interface Passing {
  method: string;
  /** Path and query as they came. */
  target: string;
  headers: [name: string, value: string][];
  /** Sends the body in chunks, without its length. */
  isReframed: boolean;
}

export interface Rewriting {
  readonly request?: (passing: Passing) => void;
  /** Of the answer's headers. */
  readonly answer?: (headers: [name: string, value: string][]) => void;
  /** Of the answer's body. */
  readonly body?: (text: string) => string;
}

export interface RewritingProxy {
  readonly url: string;
  readonly port: number;
  /** How many requests passed. */
  readonly passed: () => number;
  close(): Promise<void>;
}

export async function startRewritingProxy(toPort: number, rewriting: Rewriting): Promise<RewritingProxy> {
  let passed = 0;
  const server = http.createServer((request, response) => {
    passed += 1;
    const passing: Passing = {
      method: request.method ?? '',
      target: request.url ?? '',
      headers: toPairs(request.rawHeaders).filter(([name]) => name.toLowerCase() !== 'connection'),
      isReframed: false,
    };
    rewriting.request?.(passing);
    const length = /^(content-length|transfer-encoding)$/i;
    const headers = passing.isReframed ? passing.headers.filter(([name]) => !length.test(name)) : passing.headers;
    const hasBody = request.headers['content-length'] !== undefined;
    if (passing.isReframed && hasBody) headers.push(['Transfer-Encoding', 'chunked']);
    const onward = http.request(
      { host: '127.0.0.1', port: toPort, method: passing.method, path: passing.target, headers: headers.flat() },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const back = toPairs(answer.rawHeaders).filter(
            ([name]) => !/^(content-length|transfer-encoding|connection|keep-alive)$/i.test(name),
          );
          rewriting.answer?.(back);
          const whole = Buffer.concat(chunks);
          const body = rewriting.body === undefined ? whole : Buffer.from(rewriting.body(whole.toString()));
          response.sendDate = false;
          response.writeHead(answer.statusCode ?? 502, back.flat());
          response.end(body);
        });
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    port,
    passed: () => passed,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function toPairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));
}
