/** The REST API as the command line uses it. Where it is: WAYBILL_URL, WAYBILL_TOKEN, or the development stack's own file. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isFailureType, WaybillError } from '../core/failures.ts';

/** JSON as the API documents it, snake_case. */
export interface RunJson {
  readonly id: string;
  readonly pipeline: string;
  readonly run_id: string;
  readonly mode: 'run' | 'plan';
  readonly attempt: number;
  readonly state: string;
  readonly manifest_hash: string | null;
  readonly plan_hash: string | null;
  readonly totals: Readonly<Record<string, number>> & { readonly outcomes: Readonly<Record<string, number>> };
  readonly summary: {
    readonly traffic: Readonly<Record<string, TrafficJson>>;
    readonly avoided_traffic: Readonly<Record<string, TrafficJson>>;
    readonly money: readonly { readonly currency: string; readonly spent: number; readonly avoided: number }[];
    readonly marker_key: string | null;
    readonly empty_source: boolean;
  } | null;
  readonly verification: {
    readonly state: 'running' | 'ok' | 'lost' | 'failed';
    readonly checked_at: string | null;
    readonly objects: number;
    readonly missing: number;
    readonly changed: number;
    readonly marker: string;
    readonly message: string | null;
  } | null;
  readonly failure: { readonly type: string; readonly message: string } | null;
  readonly accepted_at: string;
  readonly ended_at: string | null;
  readonly progress?: {
    readonly source: 'workflow' | 'ledger';
    readonly plan: { readonly to_copy: number; readonly to_adopt: number; readonly skipped: number } | null;
    readonly manifest: { readonly objects: number } | null;
    readonly counts: {
      readonly copied: number;
      readonly adopted: number;
      readonly copied_bytes: number;
      readonly failed: number;
    } | null;
  } | null;
}

export interface TrafficJson {
  readonly requests: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
}

export interface StartedJson extends RunJson {
  readonly already: 'no' | 'live' | 'done' | 'replayed';
  readonly verifying: boolean;
}

export interface ApiClient {
  /** @throws the failure that the API's problem names; temporal_unavailable and the like keep their type */
  send<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>;
}

/** Written by `waybill dev`: where its API is, and the token. */
export const DEV_ACCESS_FILE = path.join('.waybill', 'access.json');

/** @throws invalid_config when it is not said where the API is */
export function findApi(env: NodeJS.ProcessEnv = process.env): ApiClient {
  const dev = readDevAccess();
  const url = env['WAYBILL_URL'] ?? dev?.url;
  const token = env['WAYBILL_TOKEN'] ?? dev?.token;
  if (url === undefined) {
    throw new WaybillError(
      'invalid_config',
      'set WAYBILL_URL and WAYBILL_TOKEN, or start `waybill dev` in this directory',
    );
  }
  return createApiClient(url, token);
}

export function createApiClient(url: string, token: string | undefined): ApiClient {
  const base = url.replace(/\/$/, '');
  return {
    async send<T>(method: 'GET' | 'POST', pathAndQuery: string, body?: unknown): Promise<T> {
      let response: Response;
      try {
        response = await fetch(`${base}${pathAndQuery}`, {
          method,
          headers: {
            accept: 'application/json',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
      } catch (cause) {
        throw new WaybillError('store_unreachable', 'the API cannot be reached', { url: base }, { cause });
      }
      const text = await response.text();
      const json: unknown = text === '' ? {} : JSON.parse(text);
      if (response.ok) return json as T;
      const { type, detail, title } = json as { type?: string; detail?: string; title?: string };
      const known = type?.split('/').at(-1);
      const message = detail ?? title ?? `the API answered ${response.status}`;
      throw new WaybillError(isFailureType(known) ? known : 'invalid_request', message);
    },
  };
}

function readDevAccess(): { url: string; token: string } | null {
  if (!existsSync(DEV_ACCESS_FILE)) return null;
  return JSON.parse(readFileSync(DEV_ACCESS_FILE, 'utf8')) as { url: string; token: string };
}
