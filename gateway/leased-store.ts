/**
 * An opened store that can be taken over by the next configuration, or closed once nobody uses it: a reload drops no request. A
 * store is taken over when what it was made of is the same: its settings, and the secrets that its references stood for.
 */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { SecretRef, StoreConfig } from '../config/config.ts';
import { WaybillError } from '../core/failures.ts';
import { openStore } from './open-store.ts';
import type { OpenedStore, OpenStoreOptions } from './open-store.ts';

export interface LeasedStore extends OpenedStore {
  readonly config: StoreConfig;
  /** Whether opening it with this configuration would give the same again. */
  isSame(config: StoreConfig, resolveSecret: OpenStoreOptions['resolveSecret']): Promise<boolean>;
  /** Counts a request as using it from now on, before its body has come, until its response closes. */
  keep(response: ServerResponse): void;
  /** Closes it as soon as no request uses it, at the latest after the grace. Resolves when it is closed. */
  retire(graceMs: number): Promise<void>;
}

/** @throws as `openStore` */
export async function leaseStore(config: StoreConfig, options: OpenStoreOptions): Promise<LeasedStore> {
  const secrets = new Map<SecretRef, string>();
  const opened = await openStore(config, {
    ...options,
    async resolveSecret(ref) {
      const secret = await options.resolveSecret(ref);
      secrets.set(ref, toMark(secret));
      return secret;
    },
  });
  let users = 0;
  let onIdle: (() => void) | null = null;
  const leave = (): void => {
    users -= 1;
    if (users === 0) onIdle?.();
  };
  const keep = (response: ServerResponse): void => {
    if (response.destroyed) return;
    users += 1;
    response.once('close', leave);
  };
  const use = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    users += 1;
    try {
      return await work();
    } finally {
      leave();
    }
  };
  const { backend, provider } = opened;
  return {
    config,
    backend: {
      ...(backend.keepsUploads !== undefined && { keepsUploads: backend.keepsUploads }),
      ...(backend.passesMd5 !== undefined && { passesMd5: backend.passesMd5 }),
      ...(backend.relay !== undefined && { relay: backend.relay }),
      handle: (request, response) => use(() => backend.handle(request, response)),
      close: () => backend.close(),
    },
    provider: provider && { ...provider, send: (upload) => use(() => provider.send(upload)), keep },
    keep,
    close: () => opened.close(),
    async isSame(other, resolveSecret) {
      if (!isDeepStrictEqual(toOpened(config), toOpened(other))) return false;
      for (const [ref, mark] of secrets) {
        if (toMark(await resolveSecret(ref)) !== mark) return false;
      }
      return true;
    },
    async retire(graceMs) {
      if (users > 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, graceMs);
          onIdle = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      await opened.close();
    },
  };
}

/**
 * A directory is locked by who serves it, so it cannot be opened a second time beside itself.
 * @throws invalid_config
 */
export function checkReopening(before: StoreConfig, after: StoreConfig): void {
  if (before.kind !== 'directory' || after.kind !== 'directory' || before.directory !== after.directory) return;
  throw new WaybillError('invalid_config', 'the settings of a directory store change by a restart only', {
    store: after.name,
  });
}

/** What opening looks at: prices and the like are the planner's. Of a provider `etags` says what is left to it; see `Backend.passesMd5`. */
function toOpened(config: StoreConfig): object {
  const { prices: _prices, conditionalWrites: _conditionalWrites, ...rest } = config;
  if (rest.kind === 'provider') return rest;
  const { etags: _etags, ...ofDirectory } = rest;
  return { ...ofDirectory, name: '' };
}

/** Secrets are compared, and kept nowhere a second time. */
const toMark = (secret: string): string => createHash('sha256').update(secret).digest('base64');
