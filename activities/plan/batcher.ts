/**
 * Cuts the plan's actions, in key order, into batches; a large object is one of its own.
 *
 * As long as much follows, batches are as large as they may be. What is left at the end is cut evenly, into as many as the run has in flight
 * at once or a multiple of it: with a few large ones and a small one some workers would stand by while the others still copy.
 */
import {
  BATCH_BYTES,
  BATCH_OBJECTS_MAX,
  BATCH_OBJECTS_MIN,
  LARGE_OBJECT_BYTES,
  MiB,
  RUN_CONCURRENCY_DEFAULT,
} from '../../core/limits.ts';
import type { Action } from './action.ts';

/** Held back, so that what is left can be cut evenly: twice what is in flight at once, of which one half goes and the other stays. */
const HELD_OBJECTS_MAX = 2 * RUN_CONCURRENCY_DEFAULT * BATCH_OBJECTS_MAX;
/** Characters of JSON. 20,000 actions have some 3 MB; those of the longest keys would have 25. */
const HELD_LENGTH_MAX = 8 * MiB;

export interface ActionBatch {
  readonly ordinal: number;
  readonly kind: 'objects' | 'large';
  readonly objects: number;
  readonly sizeBytes: number;
  /** The actions as JSON; a plan's hash is made over it. */
  readonly json: string;
}

interface Held {
  readonly json: string;
  readonly bytes: number;
}

export class Batcher {
  /** Batches in flight at once; of a run that begins with fewer than usual more may be asked for while it copies. */
  readonly #concurrency: number;
  #ordinal = 0;
  #held: Held[] = [];
  #heldLength = 0;

  constructor(concurrency: number) {
    this.#concurrency = Math.max(RUN_CONCURRENCY_DEFAULT, concurrency);
  }

  /** The batches that this action completes, in order. */
  *add(action: Action): Generator<ActionBatch> {
    // An adopted object moves no bytes.
    const bytes = action.op === 'adopt' ? 0 : action.sizeBytes;
    const held = { json: JSON.stringify(action), bytes };
    if (bytes > LARGE_OBJECT_BYTES) {
      yield* this.flush();
      yield this.#make('large', [held]);
      return;
    }
    this.#held.push(held);
    this.#heldLength += held.json.length;
    if (this.#held.length > HELD_OBJECTS_MAX || this.#heldLength > HELD_LENGTH_MAX) {
      yield* this.#cut(BATCH_OBJECTS_MAX, Math.ceil(this.#held.length / 2));
    }
  }

  /** All that is left. */
  *flush(): Generator<ActionBatch> {
    yield* this.#cut(toEvenObjects(this.#held.length, this.#concurrency), 0);
  }

  /** How many batches have been made. */
  get count(): number {
    return this.#ordinal;
  }

  /** Until no more than `left` are held. */
  *#cut(objectsMax: number, left: number): Generator<ActionBatch> {
    let from = 0;
    while (this.#held.length - from > left) {
      const to = this.#findEnd(from, objectsMax);
      yield this.#make('objects', this.#held.slice(from, to));
      from = to;
    }
    this.#held = this.#held.slice(from);
    this.#heldLength = this.#held.reduce((sum, { json }) => sum + json.length, 0);
  }

  /** Where a batch that begins there ends, at least one object on. */
  #findEnd(from: number, objectsMax: number): number {
    const most = Math.min(this.#held.length, from + objectsMax);
    let bytes = this.#held[from]?.bytes ?? 0;
    let end = from + 1;
    for (; end < most; end++) {
      bytes += this.#held[end]?.bytes ?? 0;
      if (bytes > BATCH_BYTES) break;
    }
    return end;
  }

  #make(kind: ActionBatch['kind'], actions: readonly Held[]): ActionBatch {
    const sizeBytes = actions.reduce((sum, { bytes }) => sum + bytes, 0);
    const json = `[${actions.map((action) => action.json).join(',')}]`;
    return { ordinal: this.#ordinal++, kind, objects: actions.length, sizeBytes, json };
  }
}

/** The most objects of a batch, so that there are as many batches as are in flight at once or a multiple of it; of few objects, fewer. */
function toEvenObjects(objects: number, concurrency: number): number {
  const even = Math.ceil(objects / BATCH_OBJECTS_MAX / concurrency) * concurrency;
  const worthwhile = Math.round(objects / BATCH_OBJECTS_MIN);
  return Math.ceil(objects / Math.max(1, Math.min(even, worthwhile)));
}
