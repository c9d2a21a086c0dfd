/**
 * Writes a plan as it is decided, in key order: actions into batches, refusals and orphans into outcomes, everything into the plan's
 * hash and its counts. A successor that plans again overwrites the batches, and what an earlier execution reported is dropped first.
 */
import { createHash } from 'node:crypto';
import { WaybillError } from '../../core/failures.ts';
import type { Sha256Hex } from '../../core/ids.ts';
import { toOutcomeKey } from '../../core/keys.ts';
import { MiB } from '../../core/limits.ts';
import type { OutcomeCode } from '../../core/outcomes.ts';
import type { Fence, Ledger, OutcomeRecord, PlanBatch } from '../../ledger/ledger.ts';
import type { Descriptor } from '../../manifest/descriptor.ts';
import type { PlanCounts } from '../../workflows/types.ts';
import { packActions } from './action.ts';
import { Batcher, type ActionBatch } from './batcher.ts';
import type { Decision } from './decide.ts';
import { Tally } from './tally.ts';

/** Saved at once: a transaction takes as long as its commit, and a batch is some 60 KB. */
const BATCHES_AT_ONCE = 16;
/** But one of the longest keys has 2 MB, and on its way to Postgres the whole statement is in memory three times. */
const BODY_BYTES_AT_ONCE = 4 * MiB;
/** Outcomes saved at once, and deliveries forgotten. */
const OUTCOME_PAGE = 1000;
const OUTCOMES_OF_PLANS: readonly OutcomeCode[] = ['orphan', 'target_conflict', 'reserved_key'];

export interface PlanOf {
  /** What the plan is made from; two plans with the same hash do the same. */
  readonly identity: readonly unknown[];
  /** Batches that the run has in flight at once, unless it is told otherwise. */
  readonly concurrency: number;
}

export class PlanWriter {
  readonly #ledger: Ledger;
  readonly #fence: Fence;
  readonly #hash = createHash('sha256');
  readonly #batcher: Batcher;
  readonly #tally = new Tally();
  #batches: PlanBatch[] = [];
  #bodyBytes = 0;
  #outcomes: OutcomeRecord[] = [];
  #forgotten: string[] = [];

  private constructor(ledger: Ledger, fence: Fence, concurrency: number) {
    this.#ledger = ledger;
    this.#fence = fence;
    this.#batcher = new Batcher(concurrency);
  }

  static async create(ledger: Ledger, fence: Fence, { identity, concurrency }: PlanOf): Promise<PlanWriter> {
    await ledger.dropOutcomes(fence, OUTCOMES_OF_PLANS);
    const writer = new PlanWriter(ledger, fence, concurrency);
    writer.#hash.update(JSON.stringify(identity));
    return writer;
  }

  /** What is there already, of which the plan says nothing more. */
  skip(objects: number, sizeBytes: number): void {
    this.#tally.skip(objects, sizeBytes);
  }

  /** A delivery of what neither source nor target has any more: it says nothing, and would keep its neighbours from being skipped at once. */
  async forget(targetKey: string): Promise<void> {
    if (this.#forgotten.push(targetKey) >= OUTCOME_PAGE) await this.#flushForgotten();
  }

  async write(targetKey: string, source: Descriptor | undefined, decision: Decision): Promise<void> {
    switch (decision.kind) {
      case 'nothing':
        return;
      case 'skip':
        return this.#tally.skip(1, source?.sizeBytes ?? 0);
      case 'orphan':
        this.#tally.orphan();
        return this.#report({
          key: toOutcomeKey(targetKey),
          code: 'orphan',
          detail: 'at the target, not in the manifest',
        });
      case 'refuse':
        this.#tally.refuse();
        return this.#report({ key: source?.key ?? targetKey, code: decision.code, detail: decision.detail });
      case 'act':
        this.#tally.act(decision.action);
        return this.#save(this.#batcher.add(decision.action));
      case 'ask':
        throw new WaybillError('unclassified', 'a question was not answered', { key: targetKey });
    }
  }

  async finish(): Promise<{ readonly planHash: Sha256Hex; readonly counts: PlanCounts }> {
    await this.#save(this.#batcher.flush());
    await this.#flushBatches();
    await this.#flushOutcomes();
    await this.#flushForgotten();
    const planHash = this.#hash.digest('hex') as Sha256Hex;
    await this.#ledger.savePlanHash(this.#fence, planHash);
    return { planHash, counts: this.#tally.toCounts(this.#batcher.count) };
  }

  async #save(batches: Iterable<ActionBatch>): Promise<void> {
    for (const { json, ...batch } of batches) {
      this.#hash.update('\n').update(json);
      const body = packActions(json);
      this.#bodyBytes += body.byteLength;
      const count = this.#batches.push({ ...batch, body });
      if (count >= BATCHES_AT_ONCE || this.#bodyBytes >= BODY_BYTES_AT_ONCE) await this.#flushBatches();
    }
  }

  async #flushBatches(): Promise<void> {
    if (this.#batches.length > 0) await this.#ledger.saveBatches(this.#fence, this.#batches);
    this.#batches = [];
    this.#bodyBytes = 0;
  }

  async #report(outcome: OutcomeRecord): Promise<void> {
    if (this.#outcomes.push(outcome) >= OUTCOME_PAGE) await this.#flushOutcomes();
  }

  async #flushOutcomes(): Promise<void> {
    if (this.#outcomes.length > 0) await this.#ledger.saveEffects(this.#fence, { outcomes: this.#outcomes });
    this.#outcomes = [];
  }

  async #flushForgotten(): Promise<void> {
    if (this.#forgotten.length > 0) await this.#ledger.saveEffects(this.#fence, { forgotten: this.#forgotten });
    this.#forgotten = [];
  }
}
