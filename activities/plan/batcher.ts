/** Cuts the plan's actions, in key order, into batches; a large object is one of its own. */
import {
  BATCH_BYTES,
  BATCH_OBJECTS_MAX,
  BATCH_OBJECTS_MIN,
  LARGE_OBJECT_BYTES,
  RUN_CONCURRENCY_DEFAULT,
} from '../../core/limits.ts';
import type { Action } from './action.ts';

export interface ActionBatch {
  readonly ordinal: number;
  readonly kind: 'objects' | 'large';
  readonly objects: number;
  readonly sizeBytes: number;
  /** The actions as JSON; a plan's hash is made over it. */
  readonly json: string;
}

/** The most that one batch holds, by the objects of the whole manifest. */
export const toBatchObjects = (objects: number): number =>
  Math.min(BATCH_OBJECTS_MAX, Math.max(BATCH_OBJECTS_MIN, Math.ceil(objects / RUN_CONCURRENCY_DEFAULT)));

export class Batcher {
  readonly #objectsMax: number;
  #ordinal = 0;
  #pending: string[] = [];
  #bytes = 0;

  constructor(objectsMax: number) {
    this.#objectsMax = objectsMax;
  }

  /** The batches that this action completes, in order. */
  *add(action: Action): Generator<ActionBatch> {
    // An adopted object moves no bytes.
    const bytes = action.op === 'adopt' ? 0 : action.sizeBytes;
    if (bytes > LARGE_OBJECT_BYTES) {
      yield* this.flush();
      yield this.#make('large', [JSON.stringify(action)], bytes);
      return;
    }
    if (this.#pending.length >= this.#objectsMax || this.#bytes + bytes > BATCH_BYTES) yield* this.flush();
    this.#pending.push(JSON.stringify(action));
    this.#bytes += bytes;
  }

  /** The last batch, if there is one. */
  *flush(): Generator<ActionBatch> {
    if (this.#pending.length === 0) return;
    const batch = this.#make('objects', this.#pending, this.#bytes);
    this.#pending = [];
    this.#bytes = 0;
    yield batch;
  }

  /** How many batches have been made. */
  get count(): number {
    return this.#ordinal;
  }

  #make(kind: ActionBatch['kind'], actions: readonly string[], sizeBytes: number): ActionBatch {
    return { ordinal: this.#ordinal++, kind, objects: actions.length, sizeBytes, json: `[${actions.join(',')}]` };
  }
}
