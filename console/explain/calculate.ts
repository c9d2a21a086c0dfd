/** Calculates the signature of a request that was pasted, in the form in which it is signed: in its headers or in its query. */
import { parseAmzDate } from '../../sigv4/amz-date.ts';
import type { Evidence } from '../../sigv4/evidence/evidence.ts';
import { readClaim } from '../../sigv4/explain/read-claim.ts';
import { headerOf } from '../../sigv4/explain/signing-inputs.ts';
import { sha256Hex } from '../../sigv4/hex.ts';
import { presignRequest } from '../../sigv4/presign.ts';
import { signRequest } from '../../sigv4/sign.ts';
import type { Crypto, SignInput, Stages, WireRequest } from '../../sigv4/types.ts';

/** '' is taken from the request. */
export interface CalculationFields {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
  readonly time: string;
}

export interface Calculated {
  readonly signature: string;
  readonly stages: Stages;
  /** As it should be sent. */
  readonly request: WireRequest;
}

/** @throws a failure with a sentence for people when the request cannot be signed */
export function calculate(
  crypto: Crypto,
  { request, body, accessKeyId: known }: Evidence,
  secret: string,
  fields: CalculationFields,
  now: Date,
): Calculated {
  if (request === null)
    throw new Error('there is no request in what was pasted: an error document or a log alone cannot be signed');
  const { claim } = readClaim(request);
  const accessKeyId = fields.accessKeyId || claim?.accessKeyId || known || '';
  if (accessKeyId === '') throw new Error('the access key id is missing: the request does not say it');
  const service = fields.service || claim?.scope.service || 's3';
  const time = fields.time || claim?.amzDate || headerOf(request, 'x-amz-date');
  const at = time === '' ? now : parseAmzDate(time);
  if (at === null) throw new Error('the time is not of the form 20261122T101112Z');
  const isPresigned = claim?.form === 'presigned';
  const token = isPresigned
    ? inQuery(request.query, 'X-Amz-Security-Token')
    : headerOf(request, 'x-amz-security-token');
  const names = claim?.signedHeaders.split(';').map((name) => name.trim().toLowerCase());
  const common: Omit<SignInput, 'payloadHash' | 'request'> = {
    credentials: { accessKeyId, secretAccessKey: secret, ...(token !== '' && { sessionToken: token }) },
    region: fields.region || claim?.scope.region || 'us-east-1',
    service,
    pathRule: service === 's3' ? 's3' : 'standard',
    at,
  };
  if (isPresigned) {
    const bare = { ...request, query: withoutSignature(request.query) };
    const payloadHash = inQuery(request.query, 'X-Amz-Content-Sha256') || 'UNSIGNED-PAYLOAD';
    const expiresSeconds = Number(inQuery(request.query, 'X-Amz-Expires')) || 3600;
    const signedHeaders = names ?? ['host'];
    const signed = presignRequest(crypto, { ...common, request: bare, payloadHash, expiresSeconds, signedHeaders });
    const [path = '', query = ''] = split(signed.target);
    return { signature: signed.signature, stages: signed.stages, request: { ...request, path, query } };
  }
  const payloadHash =
    headerOf(request, 'x-amz-content-sha256').trim() || (body === null ? 'UNSIGNED-PAYLOAD' : sha256Hex(crypto, body));
  const own = ['host', 'x-amz-date', ...(service === 's3' ? ['x-amz-content-sha256'] : [])];
  const sent = request.headers.map(([name]) => name.toLowerCase());
  // What the request says is signed, as far as it is there, and what must be.
  const signedHeaders =
    names === undefined
      ? undefined
      : [
          ...new Set([
            ...own,
            ...names.filter((name) => sent.includes(name)),
            ...sent.filter((name) => name.startsWith('x-amz-')),
          ]),
        ];
  const signed = signRequest(crypto, {
    ...common,
    request,
    payloadHash,
    ...(signedHeaders !== undefined && { signedHeaders }),
  });
  return { signature: signed.signature, stages: signed.stages, request: { ...request, headers: signed.headers } };
}

const PARAMETERS = /^X-Amz-(?:Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)(?:=|$)/i;
const withoutSignature = (query: string): string =>
  query
    .split('&')
    .filter((pair) => !PARAMETERS.test(pair))
    .join('&');

function inQuery(query: string, name: string): string {
  const pair = query.split('&').find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}=`));
  try {
    return decodeURIComponent(pair?.slice(name.length + 1) ?? '');
  } catch {
    return '';
  }
}

function split(target: string): [path: string, query: string] {
  const mark = target.indexOf('?');
  return [target.slice(0, mark), target.slice(mark + 1)];
}
