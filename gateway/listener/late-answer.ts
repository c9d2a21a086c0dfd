/**
 * The answers of CopyObject, UploadPartCopy and CompleteMultipartUpload. S3 may begin them with 200 before the work is done, keep the
 * connection alive with white space, and end with an <Error>: a 200 is no success until its document says so.
 *
 * So the answer is collected, up to the limit of every collected answer, and an <Error> becomes a failure with its own status, as if
 * it had come at once. A provider that is at work for long is not hidden from the caller: once white space keeps coming after some
 * seconds, the caller's answer begins with 200 as the provider's did, and each white space is passed on as one. From there an
 * error can only be told as S3 tells it, by an <Error> in the body; every S3 client reads it there.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { WaybillError } from '../../core/failures.ts';
import type { Operation } from '../../core/traffic.ts';
import { printError } from '../answer/answer-error.ts';
import { toAnswerHeaders } from '../provider/answer-headers.ts';
import type { VerifiedRequest } from '../backend.ts';
import { CountedResponse } from './exchange.ts';
import type { ProviderAnswer } from '../provider/provider-failure.ts';
import { toS3Failure } from '../answer/s3-error.ts';
import { XML_HEADER } from '../answer/xml.ts';

/** Well under the read time-outs of clients, of which the shortest are 30 s; long enough that most copies are over. */
const KEEP_ALIVE_AFTER_MS = 5_000;

const LATE: ReadonlySet<Operation> = new Set<Operation>(['CopyObject', 'UploadPartCopy', 'CompleteMultipartUpload']);

export const isLate = (operation: Operation): boolean => LATE.has(operation);

/** Before the root there may be a declaration and comments, and a prefix before its name. */
const ERROR_ROOT = /^\uFEFF?\s*(?:<\?[^>]*\?>\s*|<!--(?:(?!-->)[^])*-->\s*)*<(?:[\w.-]+:)?Error[\s/>]/;
const RESULT_ROOT = /<(?:[\w.-]+:)?[A-Z]\w*Result[\s/>]/;
const DECLARATION = /^\uFEFF?\s*<\?xml[^>]*\?>\s*/;

export class LateAnswer {
  readonly #request: VerifiedRequest;
  readonly #response: ServerResponse;
  readonly #keepAliveAfterMs: number;
  #sinceMs: number | null = null;
  #isBegun = false;

  constructor(request: VerifiedRequest, response: ServerResponse, keepAliveAfterMs: number = KEEP_ALIVE_AFTER_MS) {
    this.#request = request;
    this.#response = response;
    this.#keepAliveAfterMs = keepAliveAfterMs;
  }

  /** For the exchange. */
  readonly onBlank = (status: number, headers: IncomingHttpHeaders): void => {
    this.#sinceMs ??= performance.now();
    if (performance.now() - this.#sinceMs < this.#keepAliveAfterMs) return;
    if (!this.#isBegun) {
      this.#isBegun = true;
      // The length that was announced, if any, is that of the provider's text.
      const { 'content-length': _length, ...passed } = toAnswerHeaders(headers);
      this.#response.writeHead(status, { ...passed, 'content-type': 'application/xml' });
      this.#response.write(XML_HEADER);
    }
    this.#response.write(' ');
  };

  /** @throws what `toFailure` makes of a refusal, and of an <Error> that came with 200, while nothing has been answered yet */
  finish(answer: ProviderAnswer | null, toFailure: (refusal: ProviderAnswer) => WaybillError): void {
    if (answer === null) throw new WaybillError('store_error', 'the store gave no answer');
    const text = Buffer.from(answer.body).toString('utf8');
    if (answer.status >= 300) throw toFailure(answer);
    if (ERROR_ROOT.test(text)) {
      this.#refuse(toFailure({ ...answer, status: 200 }));
      return;
    }
    if (!RESULT_ROOT.test(text)) {
      this.#refuse(new WaybillError('store_error', 'the answer of the store says neither success nor failure'));
      return;
    }
    if (this.#isBegun) {
      this.#response.end(text.replace(DECLARATION, ''));
      return;
    }
    this.#response.writeHead(answer.status, {
      ...toAnswerHeaders(answer.headers),
      'content-length': answer.body.byteLength,
    });
    this.#response.end(answer.body);
  }

  #refuse(failure: WaybillError): void {
    if (!this.#isBegun) throw failure;
    const s3Failure = toS3Failure(failure);
    if (this.#response instanceof CountedResponse && this.#response.exchange !== null) {
      this.#response.exchange.code = s3Failure.code;
    }
    const { bucket, key } = this.#request.target;
    const document = printError(s3Failure, `/${bucket}/${key}`, this.#request.requestId);
    this.#response.end(document.replace(DECLARATION, ''));
  }
}
