/**
 * The one place where the gateway is wired: configuration → keys → stores → listener. Everything that can be wrong is found before
 * the first request is taken, and what was opened is closed again when a later step fails.
 *
 * The access key that signs a request decides the store. Only stores that some key is bound to are opened: their secrets are
 * resolved here and nowhere else. A reload makes a whole new state beside the running one, and takes it or leaves it.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Config, GatewayConfig, SecretRef } from '../config/config.ts';
import { isLoopbackHost } from '../config/listen-address.ts';
import { toBlockList } from '../config/network.ts';
import { WaybillError } from '../core/failures.ts';
import { findHeaders } from '../sigv4/canonical-headers.ts';
import { parseQuery } from '../sigv4/canonical-query.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';
import { createSigningKeyCache } from '../sigv4/signing-key.ts';
import { createAccessLog, isRefusal } from './admin/access-log.ts';
import { createRefusalExplainer } from './admin/explain-refusals.ts';
import { startAdminListener } from './admin/admin-listener.ts';
import type { AdminListener } from './admin/admin-listener.ts';
import { admitKey } from './keys/admit-key.ts';
import { createGatewayMetrics } from './admin/gateway-metrics.ts';
import { createState } from './gateway-state.ts';
import type { GatewayState } from './gateway-state.ts';
import type { Log } from './listener/listener-options.ts';
import { createGatewayServer } from './listener/listener.ts';
import { MemoryBudget } from './listener/memory-budget.ts';
import { printKey } from './keys/print-key.ts';
import { RecentRefusals } from './admin/recent-refusals.ts';
import { authorizeKey, findKey } from './keys/sessions.ts';
import type { ValidKey } from './keys/sessions.ts';
import { openTls } from './listener/tls-files.ts';
import type { TlsPair, TlsWatch } from './listener/tls-files.ts';

export interface RunGatewayOptions {
  readonly logger: Log;
  readonly resolveSecret: (ref: SecretRef) => Promise<string>;
  readonly now?: () => Date;
  /** How often the certificate's files are looked at. */
  readonly tlsLookEveryMs?: number;
}

export interface RunningGateway {
  readonly url: string;
  /** Null when the configuration has no admin_listen. */
  readonly adminUrl: string | null;
  /** Names of the stores that it serves, in order. */
  readonly stores: readonly string[];
  /**
   * Takes the configuration's keys, policies, stores, certificate and secrets; requests in flight end as they began.
   * @throws invalid_config and others as the start does; the old configuration stays then, whole
   */
  reload(config: Config): Promise<void>;
  /** Takes no more requests, lets what is in flight end, closes the stores. */
  close(graceMs?: number): Promise<void>;
}

/** What the sockets are made of, and what a restart alone can change. */
const FIXED: readonly (keyof GatewayConfig)[] = [
  'listen',
  'adminListen',
  'adminTls',
  'region',
  'requestLimitMs',
  'limits',
  'trustedProxies',
];
/** The longest that a store which was taken out waits for its requests. */
const RETIRE_GRACE_MS = 15 * 60_000;

/** @throws invalid_config, port_in_use; store_refused, store_error when a directory cannot be opened */
export async function runGateway(config: Config, options: RunGatewayOptions): Promise<RunningGateway> {
  const { gateway } = config;
  if (gateway === null) throw new WaybillError('invalid_config', 'the configuration has no section gateway');
  checkTransport(gateway);
  const { logger } = options;
  const now = options.now ?? (() => new Date());
  const tls = gateway.tls === null ? null : await openTls(gateway.tls);
  const memory = new MemoryBudget(gateway.limits.memoryBytes);
  const revoked = new Set<string>();
  const { resolveSecret } = options;
  const metrics = createGatewayMetrics();
  const onSigned = metrics.countSigned;
  const parts = { resolveSecret, keyCache: createSigningKeyCache(), now, logger, memory, revoked, onSigned };
  const closers: (() => Promise<void>)[] = [];
  const retiring = new Set<Promise<void>>();
  let isReady = false;
  let state: GatewayState = await createState(config, parts, null);

  const close = async (): Promise<void> => {
    isReady = false;
    for (const closer of closers.splice(0).reverse()) await closer();
  };

  try {
    closers.push(async () => {
      for (const store of state.stores.values()) await store.retire(0);
      await Promise.all(retiring);
    });
    const refusals = new RecentRefusals();
    const logAccess = createAccessLog(logger, () => state.config.accessLog);
    const explainRefusal = createRefusalExplainer({
      crypto: nodeCrypto,
      logger,
      isOn: () => state.config.explain ?? false,
      onFinding: (requestId, finding) => refusals.explain(requestId, finding),
    });
    const server = createGatewayServer<ValidKey>({
      findKey: (accessKeyId, sessionToken) => findKey(state.keyring, state.sealer, accessKeyId, sessionToken),
      admit: (key, caller) => admitKey(key, caller, now()),
      authorize: authorizeKey,
      route: (key, response) => {
        const store = state.stores.get(key.store);
        if (store === undefined)
          throw new WaybillError('invalid_config', 'the store is not open', { store: key.store });
        store.keep(response);
        return store.backend;
      },
      crypto: nodeCrypto,
      region: gateway.region,
      now,
      limits: { requestLimitMs: gateway.requestLimitMs, ...gateway.limits },
      memory,
      trustedProxies: toBlockList(gateway.trustedProxies),
      logger,
      onRequest: (record) => {
        metrics.count(record);
        logAccess(record);
        if (isRefusal(record)) refusals.add(record, now());
      },
      onSignatureRefused: (requestId, request, accessKeyId) => {
        const token = findHeaders(request.headers, 'x-amz-security-token')[0] ?? findTokenInQuery(request.query);
        const credentials = findKey(state.keyring, state.sealer, accessKeyId, token)?.credentials ?? [];
        explainRefusal({ requestId, request, credentials });
      },
      ...(tls === null ? {} : { tls: tls.pair }),
      outside: (request, response, requestId) => state.outside(request, response, requestId),
    });
    metrics.observe({ ...server, heldBytes: () => memory.heldBytes });

    let admin: AdminListener | null = null;
    if (gateway.adminListen !== null) {
      admin = await startAdminListener(gateway.adminListen, {
        isReady: () => isReady,
        registry: metrics.registry,
        tokenHash: () => state.adminTokenHash,
        refusals: () => refusals.list(),
        keys: () => printKeys(state, now()),
        revoke: (name) => revoke(state, name, revoked, logger),
        tls: gateway.adminTls ? (tls?.pair ?? null) : null,
      });
      const opened = admin;
      closers.push(() => opened.close());
    }
    const useTls = (pair: TlsPair): void => {
      server.setTls(pair);
      admin?.setTls(pair);
    };
    let tlsWatch: TlsWatch | null = tls?.watch(useTls, logger, options.tlsLookEveryMs) ?? null;
    closers.push(async () => tlsWatch?.stop());
    const { url } = await server.listen(gateway.listen);
    let graceMs: number | undefined;
    closers.push(() => server.close(graceMs));
    isReady = true;

    const reload = async (next: Config): Promise<void> => {
      checkFixed(state.config, next.gateway);
      const nextTls = next.gateway?.tls ?? null;
      const openedTls = nextTls === null ? null : await openTls(nextTls);
      const before = state;
      state = await createState(next, parts, before);
      if (openedTls !== null) {
        useTls(openedTls.pair);
        tlsWatch?.stop();
        tlsWatch = openedTls.watch(useTls, logger, options.tlsLookEveryMs);
      }
      const kept = new Set(state.stores.values());
      for (const store of before.stores.values()) {
        if (kept.has(store)) continue;
        const retired = store.retire(RETIRE_GRACE_MS).finally(() => retiring.delete(retired));
        retiring.add(retired);
      }
      const keys = state.keyring.entries().length;
      logger.info({ keys, stores: [...state.stores.keys()] }, 'the configuration was read again');
    };
    let reloading: Promise<void> = Promise.resolve();
    return {
      url,
      adminUrl: admin?.url ?? null,
      get stores() {
        return [...state.stores.keys()];
      },
      reload: (next) => {
        // One after the other: each compares itself with the one that is in use.
        const reloaded = reloading.then(() => reload(next));
        reloading = reloaded.catch(() => undefined);
        return reloaded;
      },
      close: (grace) => {
        graceMs = grace;
        return close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The configuration's reader checks this too; a configuration may also be made by a program. */
function checkTransport(gateway: GatewayConfig): void {
  if (gateway.tls === null && !gateway.allowInsecureHttp && !isLoopbackHost(gateway.listen.host)) {
    throw new WaybillError(
      'invalid_config',
      'plain HTTP beyond loopback needs allow_insecure_http: true, since signed requests can be replayed',
      { host: gateway.listen.host },
    );
  }
}

/** @throws invalid_config */
function checkFixed(before: GatewayConfig, after: GatewayConfig | null): void {
  if (after === null) throw new WaybillError('invalid_config', 'the configuration has no section gateway');
  const changed: string[] = FIXED.filter((field) => !isDeepStrictEqual(before[field], after[field]));
  if ((before.tls === null) !== (after.tls === null)) changed.push('tls');
  if (changed.length === 0) return;
  throw new WaybillError('invalid_config', 'the gateway must be restarted for these fields of it', {
    fields: changed.join(','),
  });
}

function printKeys(state: GatewayState, now: Date): readonly object[] {
  const entries = new Map(state.keyring.entries().map((entry) => [entry.name, entry]));
  return state.config.keys.map((key) => {
    const entry = entries.get(key.name);
    const isRevoked = entry !== undefined && state.keyring.isRevoked(entry);
    const hasExpired = key.expiresAt !== null && now.getTime() >= key.expiresAt.getTime();
    return printKey(key, isRevoked ? 'revoked' : hasExpired ? 'expired' : 'valid', entry?.credentials.length ?? 0);
  });
}

function revoke(state: GatewayState, name: string, revoked: Set<string>, logger: Log): boolean {
  const entry = state.keyring.entries().find((one) => one.name === name);
  if (entry === undefined) return false;
  revoked.add(entry.fingerprint);
  logger.warn({ key: name }, 'key revoked');
  return true;
}

/** Of a presigned URL; null when it has none. */
const findTokenInQuery = (query: string): string | null =>
  parseQuery(query)?.find(([name]) => name === 'X-Amz-Security-Token')?.[1] ?? null;
