/**
 * The operations that `--operation` names, each as the request that it is. Source: the API references of S3, KMS and STS.
 */
import type { Body } from './request.ts';
import { misuse } from './request.ts';

export const OPERATIONS = [
  'PutObject',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'MultipartUpload',
  'ListAliases',
  'GetCallerIdentity',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

export interface OperationOptions {
  readonly uploadId?: string;
  readonly partNumber?: number;
  /** `NUMBER=ETAG` */
  readonly part: readonly string[];
}

export interface OperationShape {
  readonly service: 's3' | 'kms' | 'sts';
  readonly method: string;
  /** Decoded; null is a name without `=`. */
  readonly query: readonly (readonly [name: string, value: string | null])[];
  /** Used where the caller names none. */
  readonly contentType?: string;
  /** Used where the caller gives none. */
  readonly body?: Body;
  /** It makes an object, so that encryption can be asked for. */
  readonly encrypts?: true;
  /** Several requests, which only a script can send. */
  readonly isScript?: true;
}

const PARTS_MAX = 10_000;
const AMZ_JSON = 'application/x-amz-json-1.1';
const FORM = 'application/x-www-form-urlencoded; charset=utf-8';

/** @throws invalid_request when an option that the operation needs is missing, or one is given that it has no place for */
export function buildOperation(name: OperationName, options: OperationOptions): OperationShape {
  requireOptions(name, options);
  const uploadId = ['uploadId', options.uploadId ?? ''] as const;
  switch (name) {
    case 'PutObject':
      return { service: 's3', method: 'PUT', query: [], encrypts: true };
    case 'CreateMultipartUpload':
      return { service: 's3', method: 'POST', query: [['uploads', null]], encrypts: true };
    case 'UploadPart':
      return { service: 's3', method: 'PUT', query: [['partNumber', String(options.partNumber)], uploadId] };
    case 'CompleteMultipartUpload':
      return {
        service: 's3',
        method: 'POST',
        query: [uploadId],
        contentType: 'application/xml',
        ...partsBody(options.part),
      };
    case 'AbortMultipartUpload':
      return { service: 's3', method: 'DELETE', query: [uploadId] };
    case 'MultipartUpload':
      return { service: 's3', method: 'POST', query: [], encrypts: true, isScript: true };
    case 'ListAliases':
      return { service: 'kms', method: 'POST', query: [], contentType: AMZ_JSON, body: { kind: 'text', text: '{}' } };
    case 'GetCallerIdentity': {
      const text = 'Action=GetCallerIdentity&Version=2011-06-15';
      return { service: 'sts', method: 'POST', query: [], contentType: FORM, body: { kind: 'text', text } };
    }
  }
}

/** Where a service of AWS's is found in a region. */
export function toServiceUrl(service: string, region: string): string {
  return `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/`;
}

const NEEDS: Readonly<Partial<Record<OperationName, readonly (keyof OperationOptions)[]>>> = {
  UploadPart: ['uploadId', 'partNumber'],
  CompleteMultipartUpload: ['uploadId'],
  AbortMultipartUpload: ['uploadId'],
};

function requireOptions(name: OperationName, options: OperationOptions): void {
  const needed = NEEDS[name] ?? [];
  if (needed.includes('uploadId') !== (options.uploadId !== undefined)) {
    throw misuse(`${name} ${needed.includes('uploadId') ? 'needs' : 'has no'} --upload-id`);
  }
  if (needed.includes('partNumber') !== (options.partNumber !== undefined)) {
    throw misuse(`${name} ${needed.includes('partNumber') ? 'needs' : 'has no'} --part-number`);
  }
  if (options.part.length > 0 && name !== 'CompleteMultipartUpload') throw misuse(`${name} has no --part`);
}

/** The document that names the parts, in ascending order as S3 wants it. */
function partsBody(parts: readonly string[]): { body?: Body } {
  if (parts.length === 0) return {};
  const listed = parts.map((text) => {
    const [, digits, etag] = /^(\d{1,5})="?([^"]+)"?$/.exec(text) ?? [];
    const number = Number(digits);
    if (etag === undefined || number < 1 || number > PARTS_MAX)
      throw misuse('--part is NUMBER=ETAG, with a number from 1 to 10000');
    return { number, etag };
  });
  listed.sort((a, b) => a.number - b.number);
  if (listed.some(({ number }, index) => number === listed[index + 1]?.number)) throw misuse('a part is named twice');
  const items = listed.map(
    ({ number, etag }) => `<Part><PartNumber>${String(number)}</PartNumber><ETag>"${escapeXml(etag)}"</ETag></Part>`,
  );
  const text = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${items.join('')}</CompleteMultipartUpload>`;
  return { body: { kind: 'text', text } };
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
