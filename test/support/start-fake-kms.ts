/** A KMS that knows ListAliases: pages of a size, markers that it gave out itself, signatures checked as AWS checks those of KMS. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import { verifyRequest } from '../../sigv4/verify.ts';
import { PROVIDER_CREDENTIALS } from './start-fake-provider.ts';

export interface FakeKms {
  readonly endpoint: string;
  readonly port: number;
  /** Bodies of the requests, in order. */
  readonly bodies: string[];
  readonly headers: http.IncomingHttpHeaders[];
  aliases: string[];
  /** Answered instead, while it is there. */
  failure: { readonly status: number; readonly body: string } | null;
  close(): Promise<void>;
}

export async function startFakeKms(pageSize: number): Promise<FakeKms> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      kms.bodies.push(body.toString());
      kms.headers.push(request.headers);
      const { status, text } = answer(kms, request, body, pageSize);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const kms: FakeKms = {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    bodies: [],
    headers: [],
    aliases: [],
    failure: null,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return kms;
}

function answer(
  kms: FakeKms,
  request: http.IncomingMessage,
  body: Buffer,
  pageSize: number,
): { status: number; text: string } {
  const fail = (type: string, message: string) => ({ status: 400, text: JSON.stringify({ __type: type, message }) });
  const headers = request.rawHeaders.flatMap((name, index, all): [string, string][] =>
    index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [],
  );
  const verdict = verifyRequest(nodeCrypto, {
    request: { method: request.method ?? '', path: request.url ?? '', query: '', headers },
    now: new Date(),
    region: 'eu-west-1',
    service: 'kms',
    pathRule: 'standard',
    findCredentials: (id) => (id === PROVIDER_CREDENTIALS.accessKeyId ? [PROVIDER_CREDENTIALS] : []),
    payloadHash: createHash('sha256').update(body).digest('hex'),
  });
  if (!verdict.ok) return fail('InvalidSignatureException', verdict.message);
  if (request.headers['x-amz-target'] !== 'TrentService.ListAliases') return fail('UnknownOperationException', '');
  if (request.headers['content-type'] !== 'application/x-amz-json-1.1') return fail('SerializationException', '');
  if (kms.failure !== null) return { status: kms.failure.status, text: kms.failure.body };
  const { Marker: marker } = JSON.parse(body.toString()) as { Marker?: string };
  const from = marker === undefined ? 0 : Number(Buffer.from(marker, 'base64').toString());
  const page = kms.aliases.slice(from, from + pageSize).map((name) => ({
    AliasName: name,
    AliasArn: `arn:aws:kms:eu-west-1:123456789012:${name}`,
    TargetKeyId: '00000000-0000-4000-8000-000000000000',
  }));
  const isLast = from + pageSize >= kms.aliases.length;
  const next = isLast ? {} : { NextMarker: Buffer.from(String(from + pageSize)).toString('base64') };
  return { status: 200, text: JSON.stringify({ Aliases: page, Truncated: !isLast, ...next }) };
}
