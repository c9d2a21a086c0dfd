/** Brings what the AWS SDK throws into the table of failures. */
import { WaybillError } from '../../core/failures.ts';
import type { AnswerHeaders } from '../../http1/exchange.ts';
import { buildS3Failure, callDetails } from './s3-failure.ts';
import type { Operation } from '../../core/traffic.ts';
import { toTransportFailure } from './transport-failure.ts';

interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly Region?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: AnswerHeaders };
}

/** Codes with which no request left. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

export function isSent(error: unknown): boolean {
  const { $metadata, code } = error as SdkError;
  return $metadata?.httpStatusCode !== undefined || (code !== undefined && !NEVER_SENT.has(code));
}

export function toSdkFailure(
  call: { operation: Operation; bucket: string; key?: string },
  error: unknown,
  limitReached: boolean,
): WaybillError {
  const { name, message, $metadata, $response, Region } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  if (status !== undefined) {
    const s3Code = name === undefined || /^(Unknown|Error|[0-9]+)/.test(name) ? undefined : name;
    return buildS3Failure(call, { status, headers: $response?.headers ?? {}, s3Code, message, region: Region });
  }
  if (limitReached) {
    return new WaybillError('store_timeout', 'the store did not answer within the limit', callDetails(call), {
      cause: error,
    });
  }
  return toTransportFailure(error, callDetails(call));
}
