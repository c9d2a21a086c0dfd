/** What can be made to go wrong with one call of a store. Tests only. */
import type { FailureType } from '../../core/failures.ts';
import type { Store } from '../store.ts';

/** Without the copies within a store, which a faulty store does not offer. */
export type StoreOperation = Exclude<
  keyof Store,
  'close' | 'copy' | 'copyFrom' | 'copyPart' | 'grantRead' | 'measureFirstPart'
>;

export type FaultKind =
  /** The call fails and nothing happened. */
  | { readonly kind: 'fail-before'; readonly type: FailureType; readonly retryAfterMs?: number }
  /** The call has its effect, and then fails: the answer got lost. */
  | { readonly kind: 'fail-after'; readonly type: FailureType }
  /** get: the body ends early with body_corrupt. put, uploadPart: the store takes the first half and says that all is well. */
  | { readonly kind: 'truncate' }
  /** get: one byte is another, and nothing says so. put, uploadPart: the store holds other bytes than it was sent. */
  | { readonly kind: 'corrupt' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Waits until the test lets it go on. */
  | { readonly kind: 'wait-for'; readonly until: () => Promise<void> }
  /** list: the last key of the page comes first. */
  | { readonly kind: 'disorder' }
  /** list: the page before comes once more. */
  | { readonly kind: 'repeat' }
  /** list: the page breaks off, as an adapter reports it. */
  | { readonly kind: 'break-off' };

export type Fault = FaultKind & {
  /** `any`: counted over all operations together. */
  readonly operation: StoreOperation | 'any';
  /** The call that it befalls, from 1; `every` for each. */
  readonly nth: number | 'every';
};

/** The answer of a store that is asked too much. */
export const slowDown = (operation: Fault['operation'], nth: Fault['nth'], retryAfterMs: number): Fault => ({
  operation,
  nth,
  kind: 'fail-before',
  type: 'store_slow_down',
  retryAfterMs,
});
