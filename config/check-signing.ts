/**
 * Stores whose traffic is direct, and the keys that may have requests to them signed (`POST /sign`): one without the other is a
 * deployment that does not do what its file says.
 */
import type { Problems } from './problems.ts';
import type { RawConfig } from './schema.ts';

export function checkSigning(raw: RawConfig, problems: Problems): void {
  const isDirect = (store: string): boolean => raw.stores[store]?.traffic === 'direct';
  const keys = new Map(Object.entries(raw.gateway?.keys ?? {}));
  for (const [name, key] of keys) {
    if (key.sign !== true || isDirect(key.store)) continue;
    problems.add(
      ['gateway', 'keys', name, 'sign'],
      'expected traffic: direct at its store: nothing is signed for a store whose traffic is proxied',
    );
  }
  for (const [store, keyName] of Object.entries(raw.worker?.keys ?? {})) {
    const key = keys.get(keyName);
    if (!isDirect(store) || key === undefined || key.sign === true) continue;
    problems.add(
      ['worker', 'keys', store],
      'expected a key with sign: true, for the traffic of this store is direct and its requests are signed one by one',
    );
  }
}
