/**
 * Asks the gateway for the session of one run at one store (`POST /session`): credentials that end soon, that say in the gateway's log
 * which run they are for, and that may do what this run needs there. What its workload key may not do, they may not either.
 */
import type { GatewayOperation } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import type { PipelineSpec } from '../core/pipeline.ts';
import type { Credentials } from '../sigv4/types.ts';
import { toFailureType } from '../stores/s3/error-map.ts';
import { parseRetryAfter } from '../stores/s3/s3-failure.ts';
import { askGateway } from './ask-gateway.ts';

export interface SessionScope {
  readonly operations: readonly GatewayOperation[];
  readonly buckets: readonly string[];
  /** Absent: every key of the buckets. */
  readonly prefixes?: readonly string[];
}

export interface SessionQuestion {
  readonly endpoint: string;
  readonly region: string;
  /** The workload key's. */
  readonly credentials: Credentials;
  readonly store: string;
  readonly run: string;
  readonly seconds: number;
  readonly scope: SessionScope;
  readonly at: Date;
  readonly limitMs: number;
}

export interface Session {
  readonly credentials: Credentials;
  /** From the moment that it was asked for. */
  readonly lifetimeMs: number;
}

/** Multipart uploads, tags and the marker under `manifests/` of the target's prefix are writes too. Nothing deletes, nothing administers. */
const SOURCE: readonly GatewayOperation[] = ['list', 'read'];
const TARGET: readonly GatewayOperation[] = ['list', 'read', 'write'];

/**
 * What a run of this pipeline needs at the store. Where one store is source and target, one session is both: its rights hold for both
 * places.
 * @param granted what the workload key may do: a session cannot have more
 * @throws access_denied for a store that is neither
 */
export function toSessionScope(spec: PipelineSpec, store: string, granted: readonly GatewayOperation[]): SessionScope {
  const isSource = spec.source.store === store;
  const isTarget = spec.target.store === store;
  if (!isSource && !isTarget) {
    throw new WaybillError('access_denied', 'the pipeline of this run has no such store', { store });
  }
  const locations = [...(isSource ? [spec.source] : []), ...(isTarget ? [spec.target] : [])];
  const buckets = [...new Set(locations.map(({ bucket }) => bucket))];
  const prefixes = [...new Set(locations.map(({ prefix }) => prefix))];
  const operations = (isTarget ? TARGET : SOURCE).filter((operation) => granted.includes(operation));
  return prefixes.includes('') ? { operations, buckets } : { operations, buckets, prefixes };
}

/** @throws store_unreachable, and what the table of S3's errors says of the gateway's refusal */
export async function askSession(question: SessionQuestion): Promise<Session> {
  const { endpoint, region, credentials, store, at, run, scope, seconds } = question;
  const answer = await askGateway({
    endpoint,
    path: '/session',
    region,
    credentials,
    body: { run, duration_seconds: seconds, ...scope },
    at,
    signal: AbortSignal.timeout(question.limitMs),
    store,
    what: 'a session',
  });
  const { status, headers, body } = answer;
  if (status !== 200) {
    const s3Code = toText(body['code']);
    const said = toText(body['message']);
    throw new WaybillError(
      toFailureType({ status, s3Code, about: 'bucket' }),
      said === undefined
        ? `the gateway gives no session: it answered ${status}`
        : `the gateway gives no session: ${said}`,
      { ...(s3Code === undefined ? {} : { s3Code }), status, store },
      { retryAfterMs: parseRetryAfter(headers.get('retry-after') ?? undefined) },
    );
  }
  const accessKeyId = toText(body['access_key_id']);
  const secretAccessKey = toText(body['secret_access_key']);
  const sessionToken = toText(body['session_token']);
  const endsAtMs = Date.parse(toText(body['expires']) ?? '');
  // By the gateway's clock, which decides when it ends; the worker's may be another.
  const answeredAtMs = Date.parse(headers.get('date') ?? '');
  const lifetimeMs = Math.min(seconds * 1000, endsAtMs - answeredAtMs);
  if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined || !(lifetimeMs > 0)) {
    throw new WaybillError('store_error', 'the gateway answered without a session', { status, store });
  }
  return { credentials: { accessKeyId, secretAccessKey, sessionToken }, lifetimeMs };
}

const toText = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
