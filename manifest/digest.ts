/**
 * The two hashes of a manifest, from its bodies as they stream by, in constant memory:
 * - `hash`, over the canonical bytes: the run's dedupe marker, and its name at the target;
 * - `contentHash`, over the `objects` array alone, so without the run_id: equal for an unchanged source.
 * Each body is hashed twice, since the two texts begin differently. Nothing is parsed.
 */
import { createHash } from 'node:crypto';
import type { Sha256Hex } from '../core/ids.ts';
import { ENVELOPE_HEAD, printEnvelopeTail } from './envelope.ts';

export interface ManifestHashes {
  readonly hash: Sha256Hex;
  readonly contentHash: Sha256Hex;
  /** Length of the canonical manifest. */
  readonly manifestBytes: number;
}

export class ManifestDigest {
  readonly #manifest = createHash('sha256').update(ENVELOPE_HEAD);
  readonly #content = createHash('sha256').update('[');
  readonly #tail: string;
  #manifestBytes = ENVELOPE_HEAD.length;
  #empty = true;

  /** @throws invalid_run_id */
  constructor(runId: string) {
    this.#tail = printEnvelopeTail(runId);
  }

  /** The next descriptors in manifest order, joined by ','; the comma between bodies is added here. An empty body adds nothing. */
  addBody(body: Uint8Array): void {
    if (body.length === 0) return;
    if (!this.#empty) this.#add(',');
    this.#add(body);
    this.#empty = false;
  }

  /** More of the body that was added last. */
  continueBody(bytes: Uint8Array): void {
    this.#add(bytes);
  }

  /** Once, after the last body. */
  finish(): ManifestHashes {
    return {
      hash: this.#manifest.update(this.#tail).digest('hex') as Sha256Hex,
      contentHash: this.#content.update(']').digest('hex') as Sha256Hex,
      manifestBytes: this.#manifestBytes + this.#tail.length,
    };
  }

  #add(bytes: Uint8Array | ','): void {
    this.#manifest.update(bytes);
    this.#content.update(bytes);
    this.#manifestBytes += bytes.length;
  }
}
