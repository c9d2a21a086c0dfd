/** POST /sign as a test wants it, and what was signed sent to its store, bent as an attacker would. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Credentials } from '../../sigv4/types.ts';
import { exchange, send, type Answer, type RequestPlan } from './signed-request.ts';
import type { StartedGateway } from './start-gateway.ts';
import type { StartedStore } from './start-store.ts';

export interface Wish {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly payload_sha256?: unknown;
  readonly content_length?: unknown;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const put = (target: string, body: string, headers: Record<string, unknown> = {}): Wish => ({
  method: 'PUT',
  target,
  headers,
  payload_sha256: sha256(body),
  content_length: Buffer.byteLength(body),
});
export const get = (target: string, headers?: Record<string, unknown>): Wish => ({
  method: 'GET',
  target,
  ...(headers && { headers }),
});

export interface Signed {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Refusal {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface SignBody {
  readonly valid_ms: number;
  readonly answers: readonly (Signed | Refusal)[];
}

export function ask(
  gateway: StartedGateway,
  key: string,
  body: unknown,
  more: Partial<RequestPlan> & { readonly credentials?: Credentials } = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return send(gateway.caller(key), { method: 'POST', target: '/sign', body: text, ...more });
}

export async function askFor(
  gateway: StartedGateway,
  key: string,
  wishes: readonly Wish[],
  more: Partial<RequestPlan> = {},
): Promise<SignBody> {
  const answer = await ask(gateway, key, { requests: wishes }, more);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text) as SignBody;
}

export async function signOne(
  gateway: StartedGateway,
  key: string,
  wish: Wish,
  more: Partial<RequestPlan> = {},
): Promise<Signed> {
  const { answers } = await askFor(gateway, key, [wish], more);
  const [answer] = answers;
  assert.ok(answer !== undefined && 'url' in answer, JSON.stringify(answer));
  return answer;
}

/** As the code of a refusal, or 'signed'. */
export const toOutcome = (answer: Signed | Refusal | undefined): string =>
  answer === undefined ? 'nothing' : 'url' in answer ? 'signed' : answer.code;

export interface Bending {
  readonly method?: string;
  readonly body?: string | Uint8Array;
  readonly target?: string;
  readonly headers?: (headers: readonly (readonly [string, string])[]) => readonly (readonly [string, string])[];
}

/** Sends what was signed straight to the store. */
export function use(store: StartedStore, method: string, signed: Signed, bend: Bending = {}): Promise<Answer> {
  const { pathname, search } = new URL(signed.url);
  const at = signed.url.indexOf('/', signed.url.indexOf('://') + 3);
  assert.ok(pathname !== '' && search !== undefined);
  const headers = Object.entries(signed.headers);
  return exchange(
    store,
    bend.method ?? method,
    bend.target ?? signed.url.slice(at),
    bend.headers?.(headers) ?? headers,
    bend.body,
  );
}
