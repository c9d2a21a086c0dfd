/**
 * A decorator that makes chosen calls of a store fail in chosen ways, so that tests can try a failure at every call. What it does
 * depends on the calls alone, never on time or chance. Tests only.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WaybillError } from '../../core/failures.ts';
import type { Body, ListPage, Store } from '../store.ts';
import { cutBody, alterBody, cutResult, alterResult } from './damage-body.ts';
import type { Fault, StoreOperation } from './fault.ts';

export interface FaultyStore extends Store {
  /** How often each operation was called so far, failed calls included. */
  readonly calls: ReadonlyMap<StoreOperation, number>;
  /** How many faults have happened. */
  readonly faults: () => number;
}

type Run = (...args: unknown[]) => Promise<unknown>;

export function createFaultyStore(store: Store, plan: readonly Fault[]): FaultyStore {
  const calls = new Map<StoreOperation, number>();
  let total = 0;
  let happened = 0;
  let pageBefore: ListPage | undefined;

  const faultsOf = (operation: StoreOperation): Fault[] => {
    const count = (calls.get(operation) ?? 0) + 1;
    calls.set(operation, count);
    total += 1;
    const found = plan.filter((fault) => {
      const nth = fault.operation === 'any' ? total : count;
      return (
        (fault.operation === 'any' || fault.operation === operation) && (fault.nth === 'every' || fault.nth === nth)
      );
    });
    happened += found.length;
    return found;
  };

  const wrap =
    (operation: StoreOperation): Run =>
    async (...args) => {
      const faults = faultsOf(operation);
      for (const fault of faults) {
        await beforeEffect(fault, operation, args);
      }
      let result = await (store[operation] as Run).apply(store, args);
      for (const fault of faults) {
        result = afterEffect(fault, operation, result, pageBefore);
      }
      if (operation === 'list') {
        pageBefore = result as ListPage;
      }
      return result;
    };

  const operations = Object.fromEntries(OPERATIONS.map((operation) => [operation, wrap(operation)]));
  return { ...(operations as unknown as Store), close: () => store.close(), calls, faults: () => happened };
}

const OPERATIONS = Object.keys({
  listBuckets: 0,
  headBucket: 0,
  createBucket: 0,
  deleteBucket: 0,
  list: 0,
  head: 0,
  get: 0,
  put: 0,
  delete: 0,
  createUpload: 0,
  uploadPart: 0,
  completeUpload: 0,
  abortUpload: 0,
  listParts: 0,
  listUploads: 0,
  getTags: 0,
  putTags: 0,
} satisfies Record<StoreOperation, 0>) as StoreOperation[];

/** Fails, waits, or damages the body among the arguments. */
async function beforeEffect(fault: Fault, operation: StoreOperation, args: unknown[]): Promise<void> {
  const sends = operation === 'put' || operation === 'uploadPart';
  const last = args.length - 1;
  if (fault.kind === 'fail-before') {
    const { type, retryAfterMs } = fault;
    throw new WaybillError(type, 'a planned fault before the effect', { operation }, { retryAfterMs });
  } else if (fault.kind === 'delay') {
    await delay(fault.delayMs);
  } else if (fault.kind === 'wait-for') {
    await fault.until();
  } else if (fault.kind === 'truncate' && sends) {
    args[last] = await cutBody(args[last] as Body);
  } else if (fault.kind === 'corrupt' && sends) {
    args[last] = await alterBody(args[last] as Body);
  }
}

function afterEffect(
  fault: Fault,
  operation: StoreOperation,
  result: unknown,
  pageBefore: ListPage | undefined,
): unknown {
  if (fault.kind === 'fail-after') {
    throw new WaybillError(fault.type, 'a planned fault after the effect', { operation });
  }
  if (operation === 'get') {
    const got = result as Awaited<ReturnType<Store['get']>>;
    return fault.kind === 'truncate' ? cutResult(got) : fault.kind === 'corrupt' ? alterResult(got) : got;
  }
  return operation === 'list' ? damagePage(fault, result as ListPage, pageBefore) : result;
}

function damagePage(fault: Fault, page: ListPage, pageBefore: ListPage | undefined): ListPage {
  switch (fault.kind) {
    case 'disorder':
      return { ...page, objects: [...page.objects.slice(-1), ...page.objects.slice(0, -1)] };
    case 'repeat':
      return pageBefore ?? page;
    case 'break-off':
      throw new WaybillError('listing_incomplete', 'a planned fault: the page breaks off', { operation: 'list' });
    default:
      return page;
  }
}
