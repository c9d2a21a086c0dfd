/** From the options of `waybill sign` to the request that is signed. Reads no file and no clock. */
import { encodeComponent } from '../../sigv4/encode.ts';
import { guessScope } from './guess-scope.ts';
import {
  buildOperation,
  toServiceUrl,
  type OperationName,
  type OperationOptions,
  type OperationShape,
} from './operations.ts';
import { parseHeader } from './parse-header.ts';
import { parseUrl, toSentPath, toSentQuery, type ParsedUrl } from './parse-url.ts';
import { misuse, toWire, type Body, type HeaderList, type PreparedRequest } from './request.ts';

export interface RequestOptions extends OperationOptions {
  readonly operation?: OperationName;
  readonly method?: string;
  readonly header: readonly string[];
  readonly data?: string;
  readonly dataFile?: string;
  readonly unsignedPayload?: true;
  readonly region?: string;
  readonly service?: string;
  readonly sse?: 'aws:kms' | 'AES256';
  readonly kmsKeyId?: string;
}

const METHOD = /^[A-Z]{1,20}$/;
const SCOPE_WORD = /^[a-z0-9][a-z0-9_-]{0,62}$/i;
const NO_OPERATION: OperationShape = { service: 's3', method: '', query: [], encrypts: true };

/** @throws invalid_request for whatever does not make one request that can be signed */
export function prepareRequest(
  url: string | undefined,
  options: RequestOptions,
  environment: NodeJS.ProcessEnv,
): PreparedRequest {
  const named = options.operation;
  const shape = named === undefined ? requireNone(options) : buildOperation(named, options);
  const regionGiven = options.region;
  const regionSet = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || undefined;
  const parsed = parseUrl(url ?? findServiceUrl(named, shape, regionGiven ?? regionSet));
  const guessed = guessScope(parsed.host);
  const service = options.service ?? (named === undefined ? (guessed.service ?? 's3') : shape.service);
  const region = regionGiven ?? guessed.region ?? regionSet;
  if (region === undefined) throw misuse(`the host does not say its region: name it with --region or AWS_REGION`);
  if (!SCOPE_WORD.test(region)) throw misuse('a region is a word such as eu-west-1');
  if (!SCOPE_WORD.test(service)) throw misuse('a service is a word such as s3 or kms');

  const pathRule = service === 's3' ? 's3' : 'standard';
  const body = findBody(options, shape);
  const method = options.method ?? (shape.method || (body.kind === 'none' ? 'GET' : service === 's3' ? 'PUT' : 'POST'));
  if (!METHOD.test(method)) throw misuse('a method is a word in capitals such as PUT');
  if (body.kind !== 'none' && method === 'HEAD') throw misuse('a HEAD request has no body');
  if (options.unsignedPayload === true && service !== 's3') {
    throw misuse(`only s3 takes an unsigned payload: ${service} hashes the body itself`);
  }
  if (named !== undefined && shape.service === 's3' && !hasKey(parsed)) {
    throw misuse(`${named} needs the key of an object in the URL, as in https://HOST/BUCKET/KEY`);
  }
  const given = toSentQuery(parsed.rawQuery);
  const added = shape.query.map(([name, value]) => (value === null ? name : `${name}=${encodeComponent(value)}`));
  return {
    method,
    origin: `${parsed.scheme}://${parsed.host}`,
    path: toSentPath(parsed.rawPath, pathRule),
    query: [given, ...added].filter((piece) => piece !== '').join('&'),
    headers: buildHeaders(parsed.host, options, shape),
    body,
    unsignedPayload: options.unsignedPayload === true,
    region,
    service,
    pathRule,
  };
}

function requireNone(options: RequestOptions): OperationShape {
  if (options.uploadId !== undefined || options.partNumber !== undefined || options.part.length > 0) {
    throw misuse('--upload-id, --part-number and --part belong to an --operation');
  }
  return NO_OPERATION;
}

function findServiceUrl(named: OperationName | undefined, shape: OperationShape, region: string | undefined): string {
  if (named === undefined || shape.service === 's3') throw misuse('a URL is needed, such as https://HOST/BUCKET/KEY');
  if (region === undefined) throw misuse(`${named} needs a URL, or a region: --region or AWS_REGION`);
  if (!SCOPE_WORD.test(region)) throw misuse('a region is a word such as eu-west-1');
  return toServiceUrl(shape.service, region);
}

/** Whether the bucket stands in the path is known of some hosts only; of others any path may be a key. */
function hasKey({ host, rawPath }: ParsedUrl): boolean {
  const isPathStyle = /^(s3[.-].*amazonaws\.com(\.cn)?|localhost|\[.*\]|[\d.]+)(:\d+)?$/.test(host);
  return isPathStyle ? /^\/[^/]+\/[^]/.test(rawPath) : rawPath.length > 1;
}

function findBody(options: RequestOptions, shape: OperationShape): Body {
  const { data, dataFile } = options;
  if (data !== undefined && dataFile !== undefined) throw misuse('--data and --data-file exclude each other');
  const isBodiless = ['CreateMultipartUpload', 'AbortMultipartUpload'].includes(options.operation ?? '');
  if (isBodiless && (data !== undefined || dataFile !== undefined))
    throw misuse(`${options.operation ?? ''} has no body`);
  if (shape.isScript === true && data !== undefined)
    throw misuse('MultipartUpload sends a file: --data-file, or the argument of the script');
  if (dataFile === '' || dataFile === '-')
    throw misuse('--data-file takes the name of a file, which is read twice: to sign and to send');
  if (dataFile !== undefined) return { kind: 'file', path: dataFile };
  if (data !== undefined) return { kind: 'text', text: data };
  if (options.operation === 'CompleteMultipartUpload' && shape.body === undefined) {
    throw misuse('CompleteMultipartUpload needs its parts: --part NUMBER=ETAG for each, or --data-file');
  }
  return shape.body ?? { kind: 'none' };
}

function buildHeaders(host: string, options: RequestOptions, shape: OperationShape): HeaderList {
  const headers = options.header.map(parseHeader);
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const given = headers.filter(([name]) => name.toLowerCase() === 'host');
  if (given.length > 1) throw misuse('the header Host is given twice');
  if (given[0]?.[1] === '') throw misuse('the header Host is empty');
  const added: (readonly [string, string])[] = [['host', given[0]?.[1] ?? host]];
  if (shape.contentType !== undefined && !names.has('content-type')) added.push(['content-type', shape.contentType]);
  if (shape.service === 'kms' && options.operation === 'ListAliases' && !names.has('x-amz-target')) {
    added.push(['x-amz-target', 'TrentService.ListAliases']);
  }
  return [
    ...added,
    ...headers.filter((header) => !given.includes(header)),
    ...encryptionHeaders(options, shape, names),
  ];
}

function encryptionHeaders(
  { sse, kmsKeyId, operation }: RequestOptions,
  shape: OperationShape,
  names: ReadonlySet<string>,
): HeaderList {
  if (sse === undefined && kmsKeyId === undefined) return [];
  if (shape.encrypts !== true)
    throw misuse(`${operation ?? ''} does not take --sse: encryption is asked for where the object begins`);
  if (kmsKeyId !== undefined && sse === 'AES256') throw misuse('--kms-key-id belongs to --sse aws:kms');
  if (names.has('x-amz-server-side-encryption'))
    throw misuse('encryption is asked for twice: by --sse and by a header');
  const algorithm = ['x-amz-server-side-encryption', sse ?? 'aws:kms'] as const;
  if (kmsKeyId === undefined) return [algorithm];
  if (!/^[!-~]+$/.test(kmsKeyId)) throw misuse('--kms-key-id is a key id, an ARN or an alias');
  return [algorithm, ['x-amz-server-side-encryption-aws-kms-key-id', toWire(kmsKeyId)]];
}
