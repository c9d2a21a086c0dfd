/**
 * What an earlier execution of this batch wrote and did not live to record, as a worker that is killed leaves it: up to a batch of
 * objects. The target's listing shows them, a request for a thousand, so they are neither read nor sent a second time. What it does not
 * show, or not by an ETag that proves the bytes, is copied as ever, under the same condition: there the target refuses what it has.
 */
import { isWaybillError } from '../../core/failures.ts';
import { LIST_PAGE_KEYS, PART_BYTES_DEFAULT } from '../../core/limits.ts';
import { toTargetKey } from '../../core/pipeline.ts';
import { compareUtf8 } from '../../core/utf8-order.ts';
import type { Action, CopyAction } from '../plan/action.ts';
import { isMd5Hex } from '../plan/content-md5.ts';
import { hasMd5ETags, type Transfer } from './transfer.ts';

/** Other objects may stand between those of a batch: what lies behind so many pages more than its own fill is not looked for. */
const PAGES_MORE = 3;

/** Target keys, whose ETags there are the source's MD5s. None in a first execution, and where a listing proves nothing. */
export async function findStanding(transfer: Transfer, actions: readonly Action[]): Promise<ReadonlySet<string>> {
  const { step, spec } = transfer;
  const standing = new Set<string>();
  if (step.runtime.tryNumber === 1 || !isProvable(transfer)) return standing;
  const wanted = new Map<string, CopyAction>();
  for (const action of actions) {
    if (action.op !== 'adopt' && mayBeOurs(action)) wanted.set(toTargetKey(spec, action.key), action);
  }
  const keys = [...wanted.keys()];
  const [first, last] = [keys[0], keys.at(-1)];
  if (first === undefined || last === undefined) return standing;
  try {
    let from: { readonly startAfter?: string; readonly continuationToken?: string } = toStart(first);
    const pagesMax = Math.ceil(keys.length / LIST_PAGE_KEYS) + PAGES_MORE;
    for (let pages = 0; pages < pagesMax; pages++) {
      const { bucket, prefix } = spec.target;
      const page = await transfer.target.list({ bucket, prefix, maxKeys: LIST_PAGE_KEYS, ...from });
      for (const { key, sizeBytes, etag } of page.objects) {
        const action = wanted.get(key);
        if (action?.sizeBytes === sizeBytes && action.etag === etag) standing.add(key);
      }
      const end = page.objects.at(-1)?.key;
      const { nextContinuationToken } = page;
      if (nextContinuationToken === undefined || (end !== undefined && compareUtf8(end, last) >= 0)) break;
      from = { continuationToken: nextContinuationToken };
    }
  } catch (error) {
    // It spares requests, no more: what is wrong with the store the copies will say.
    if (!isWaybillError(error)) throw error;
  }
  return standing;
}

/** As the plan adopts (decide.ts): by ETags that are MD5s on both sides, and where no encryption is asked for, which a listing does not show. */
function isProvable(transfer: Transfer): boolean {
  const { step, spec } = transfer;
  const isHashed = hasMd5ETags(transfer) && step.deps.storeFacts(spec.source.store).etags === 'md5';
  return isHashed && spec.listTarget && spec.target.encryption === null;
}

/**
 * Whether what stands there now can be a write of ours: what the plan saw was to be written over, and was not this. What goes in parts
 * has a record of its upload, by which it is gone on with.
 */
const mayBeOurs = ({ expected, etag, sizeBytes }: CopyAction): boolean =>
  isMd5Hex(etag) &&
  sizeBytes <= PART_BYTES_DEFAULT &&
  ('absent' in expected || ('etag' in expected && expected.etag !== etag));

/** Just before the key, or not far: what is its prefix is less. */
function toStart(key: string): { readonly startAfter?: string } {
  const startAfter = [...key].slice(0, -1).join('');
  return startAfter === '' ? {} : { startAfter };
}
