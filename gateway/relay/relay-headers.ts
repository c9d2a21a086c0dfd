/** What the object has at its target beside its bytes: its own, or what the copy says, as the directives of CopyObject have it. */
import type { AnswerHeaders } from '../../http1/exchange.ts';
import { refuse } from '../answer/s3-error.ts';
import { DESCRIPTIVE, withoutAwsChunked } from '../provider/outbound-headers.ts';
import { isHeaderText } from '../request/header-parameters.ts';

type Headers = ReadonlyMap<string, string>;

const META = 'x-amz-meta-';
/** What goes with an object. A redirect and a storage class belong to their place. */
const describes = (name: string): boolean => DESCRIPTIVE.has(name) || name.startsWith(META);

/** Of the request: about the copy itself, whose body is empty, and not the object's. */
const OF_THE_COPY = new Set(['content-md5', 'x-amz-metadata-directive', 'x-amz-tagging-directive']);
const CHECKSUM = 'x-amz-checksum-';
const SOURCE = 'x-amz-copy-source';
const SOURCE_IF_MATCH = 'x-amz-copy-source-if-match';

/** Conditions of the read. @throws not_implemented for one that is not offered here */
export function toReadHeaders(request: Headers): Headers {
  const conditions = new Map<string, string>();
  for (const [name, value] of request) {
    if (!name.startsWith(SOURCE) || name === SOURCE) continue;
    if (name !== SOURCE_IF_MATCH) {
      throw refuse(
        'NotImplemented',
        'Of a copy between two stores the condition x-amz-copy-source-if-match alone is offered.',
      );
    }
    conditions.set('if-match', value);
  }
  return conditions;
}

export interface WriteHeaders {
  /** Of the request, as text: what is on the list of `outbound-headers.ts` goes out. */
  readonly asked: readonly (readonly [name: string, value: string])[];
  /** Of the source, as wire text, byte for byte, but for `aws-chunked`. */
  readonly carried: readonly (readonly [name: string, value: string])[];
}

/**
 * Headers of the PutObject.
 * @throws invalid_request for what cannot go along: tags, which a GetObject does not tell; a value that no request can carry
 */
export function toWriteHeaders(request: Headers, source: AnswerHeaders): WriteHeaders {
  const keepsMetadata = isCopy(request, 'x-amz-metadata-directive');
  const keepsTags = isCopy(request, 'x-amz-tagging-directive');
  if (keepsTags && Number(source['x-amz-tagging-count'] ?? 0) > 0) {
    throw refuse('InvalidRequest', 'The object has tags, which a presigned copy source gives no right to read.');
  }
  const asked: [string, string][] = [];
  for (const [name, value] of request) {
    if (name.startsWith(CHECKSUM))
      throw refuse('NotImplemented', 'No checksum is computed of a copy between two stores.');
    const isOfObject = (keepsMetadata && describes(name)) || (keepsTags && name === 'x-amz-tagging');
    if (!isOfObject && !name.startsWith(SOURCE) && !OF_THE_COPY.has(name)) asked.push([name, value]);
  }
  const carried: [string, string][] = [];
  for (const name in keepsMetadata ? source : {}) {
    const value = source[name];
    const sent = Array.isArray(value) ? value.join(', ') : (value ?? '');
    const text = name === 'content-encoding' ? withoutAwsChunked(sent) : sent;
    if (!describes(name) || (text === '' && DESCRIPTIVE.has(name))) continue;
    if (!isHeaderText(text)) throw refuse('InvalidRequest', 'The object has metadata that no request can carry.');
    carried.push([name, text]);
  }
  return { asked, carried };
}

/** @throws InvalidArgument */
function isCopy(request: Headers, name: string): boolean {
  const value = request.get(name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value === 'COPY';
  throw refuse('InvalidArgument', 'A directive is COPY or REPLACE.', { argumentName: name, argumentValue: value });
}
