/**
 * What a worker asks the gateway beside S3: a POST of JSON to a path of its own, signed with a workload key like any S3 request. The
 * answer is the caller's to read; only a gateway that cannot be asked is a failure here.
 */
import { WaybillError } from '../core/failures.ts';
import { sha256Hex } from '../sigv4/hex.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { signRequest } from '../sigv4/sign.ts';
import type { Credentials } from '../sigv4/types.ts';

export interface GatewayQuestion {
  /** http[s]://HOST[:PORT] */
  readonly endpoint: string;
  readonly path: '/kms/check' | '/session';
  readonly region: string;
  readonly credentials: Credentials;
  readonly body: Readonly<Record<string, unknown>>;
  readonly at: Date;
  readonly signal: AbortSignal;
  /** Which store it is about; for the details of a failure. */
  readonly store: string;
  /** What it is asked for, for the message of a failure. */
  readonly what: string;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** @throws store_unreachable; what the body says stays out of it, for it may hold a secret */
export async function askGateway(question: GatewayQuestion): Promise<GatewayAnswer> {
  const body = JSON.stringify(question.body);
  const url = new URL(question.path, question.endpoint);
  const { headers } = signRequest(nodeCrypto, {
    request: {
      method: 'POST',
      path: question.path,
      query: '',
      headers: [
        ['host', url.host],
        ['content-type', 'application/json'],
      ],
    },
    credentials: question.credentials,
    region: question.region,
    service: 's3',
    pathRule: 's3',
    payloadHash: sha256Hex(nodeCrypto, body),
    at: question.at,
  });
  try {
    // fetch sets Host by itself, and refuses to be told.
    const sent = headers.filter(([name]) => name !== 'host').map(([name, value]): [string, string] => [name, value]);
    const { signal } = question;
    const response = await fetch(url, { method: 'POST', headers: sent, body, signal, redirect: 'error' });
    return { status: response.status, headers: response.headers, body: toObject(await readJson(response)) };
  } catch (cause) {
    const { store, what } = question;
    throw new WaybillError('store_unreachable', `the gateway cannot be asked for ${what}`, { store }, { cause });
  }
}

/** A parser's message quotes what it could not read; where there may be a secret in it, it must not become a cause. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`the gateway answered ${response.status} without JSON`);
  }
}

const toObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
