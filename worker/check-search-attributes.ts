/** Refuses to start without the search attributes: an unregistered one in an upsert hangs every run. */
import type { NativeConnection } from '@temporalio/worker';
import { WaybillError } from '../core/failures.ts';
import { SEARCH_ATTRIBUTES } from '../core/wire-names.ts';

/** @throws invalid_config with the command that registers them */
export async function checkSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(SEARCH_ATTRIBUTES).filter((name) => !Object.hasOwn(customAttributes ?? {}, name));
  if (missing.length === 0) return;
  const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
  throw new WaybillError(
    'invalid_config',
    `Temporal lacks search attributes; register them with: temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    { missing: missing.join(' ') },
  );
}
