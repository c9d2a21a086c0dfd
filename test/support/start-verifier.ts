/**
 * A service that verifies every signature and every body hash as AWS does, keeps what it was asked, and answers enough of S3 (the
 * steps of a multipart upload, which it does not store) and of STS for a client to go on.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { nodeCrypto } from '../../sigv4/node-crypto.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { verifyRequest } from '../../sigv4/verify.ts';

export interface VerifiedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** Null when it holds, else why it does not. */
  readonly refusal: string | null;
}

export interface Verifier {
  readonly endpoint: string;
  readonly requests: VerifiedRequest[];
  /** A status to answer instead, once it is verified. */
  fail: (request: VerifiedRequest) => number | null;
  close(): Promise<void>;
}

/** With characters that a query cannot carry as they are. */
export const UPLOAD_ID = 'id+/=~._-!*(x)';

export async function startVerifier(
  service: string,
  region: string,
  credentials: () => Credentials,
): Promise<Verifier> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const seen: VerifiedRequest = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body,
        refusal: verify(request, body, service, region, credentials()),
      };
      verifier.requests.push(seen);
      const failure = seen.refusal === null ? verifier.fail(seen) : 403;
      const { status, headers, text } =
        failure === null
          ? answer(seen)
          : { status: failure, headers: {}, text: `<Error>${seen.refusal ?? ''}</Error>` };
      response.writeHead(status, headers).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const verifier: Verifier = {
    endpoint: `http://127.0.0.1:${String(port)}`,
    requests: [],
    fail: () => null,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return verifier;
}

function verify(
  request: http.IncomingMessage,
  body: Buffer,
  service: string,
  region: string,
  credentials: Credentials,
): string | null {
  const url = request.url ?? '';
  const question = url.indexOf('?');
  const hash = createHash('sha256').update(body).digest('hex');
  const verdict = verifyRequest(nodeCrypto, {
    request: {
      method: request.method ?? '',
      path: question < 0 ? url : url.slice(0, question),
      query: question < 0 ? '' : url.slice(question + 1),
      headers: request.rawHeaders.flatMap((name, index, all): [string, string][] =>
        index % 2 === 0 ? [[name, all[index + 1] ?? '']] : [],
      ),
    },
    now: new Date(),
    region,
    service,
    pathRule: service === 's3' ? 's3' : 'standard',
    findCredentials: (id) => (id === credentials.accessKeyId ? [credentials] : []),
    payloadHash: hash,
  });
  if (!verdict.ok) return `${verdict.code} ${verdict.message}\n${verdict.stages?.canonicalRequest ?? ''}`;
  if (verdict.payloadHash !== 'UNSIGNED-PAYLOAD' && verdict.payloadHash !== hash) return 'XAmzContentSHA256Mismatch';
  return null;
}

function answer({ method, url, body }: VerifiedRequest): {
  status: number;
  headers: http.OutgoingHttpHeaders;
  text: string;
} {
  const xml = { 'content-type': 'application/xml' };
  if (body.toString('latin1').startsWith('Action=GetCallerIdentity')) {
    return { status: 200, headers: xml, text: '<GetCallerIdentityResponse/>' };
  }
  if (method === 'POST' && /\?uploads=?$/.test(url)) {
    const text = `<InitiateMultipartUploadResult><UploadId>${UPLOAD_ID}</UploadId></InitiateMultipartUploadResult>`;
    return { status: 200, headers: xml, text };
  }
  if (method === 'POST') return { status: 200, headers: xml, text: '<CompleteMultipartUploadResult/>' };
  if (method === 'DELETE') return { status: 204, headers: {}, text: '' };
  const etag = `"${createHash('md5').update(body).digest('hex')}"`;
  return { status: 200, headers: { ETag: etag }, text: '' };
}
