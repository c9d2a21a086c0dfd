/** How the doctor connects: a store's own egress and certificates, or for a URL those of the environment. */
import { readFile } from 'node:fs/promises';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import type { Target } from './check.ts';
import { findProxy, toEgressRoute } from './find-proxy.ts';
import type { OpenRoute } from './open-socket.ts';

const TIMEOUT_MS = 10_000;

export interface RouteOptions {
  readonly target: Target;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** Stands in for the resolver of names. */
  readonly resolve?: (host: string) => Promise<string>;
}

/** @throws invalid_config when a reference of the store's egress or its ca_file cannot be read */
export async function toRoute({ target, env, timeoutMs = TIMEOUT_MS, resolve }: RouteOptions): Promise<OpenRoute> {
  const { store, endpoint } = target;
  const caFile = store?.tls.caFile ?? (store === null ? (env['AWS_CA_BUNDLE'] ?? null) : null);
  return {
    proxy:
      store === null
        ? findProxy(endpoint, env)
        : store.egress === null
          ? null
          : await toEgressRoute(store.egress, resolveSecret),
    ca: caFile === null || caFile === '' ? null : await readCa(caFile),
    minVersion: store?.tls.minVersion ?? 'TLSv1.2',
    timeoutMs,
    ...(resolve && { resolve }),
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new WaybillError(
      'invalid_config',
      'the file of trusted certificates cannot be read',
      { path, code },
      { cause },
    );
  }
}
