/**
 * Names of data: 22 digits of lower-case hex, 12 random ones that are the same for all ids of one opening of the store, then a
 * counter. Nothing of a key or a bucket is in them. The session tells what this process wrote from what an earlier one left.
 *
 * The directory of a file is `data/xx/`, xx being the two digits before the last two: 256 consecutive ids share a directory, so
 * that puts which run at the same time share its fsync, and all 256 directories fill evenly.
 */
import { randomBytes, randomInt } from 'node:crypto';

const SESSION_DIGITS = 12;
const COUNTER_DIGITS = 10;
const DATA_ID = /^[0-9a-f]{22}$/;

export class DataIds {
  readonly #session = randomBytes(SESSION_DIGITS / 2).toString('hex');
  /** Not from zero: a store that is opened often would fill the first directories only. */
  #counter = randomInt(2 ** 32);

  create(): string {
    this.#counter += 1;
    return this.#session + this.#counter.toString(16).padStart(COUNTER_DIGITS, '0');
  }

  isOwn(id: string): boolean {
    return id.startsWith(this.#session);
  }
}

/** Whatever else lies in our directories is not ours to delete. */
export const isDataId = (name: string): boolean => DATA_ID.test(name);
export const toDirectoryName = (id: string): string => id.slice(-4, -2);
export const isDirectoryName = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);
