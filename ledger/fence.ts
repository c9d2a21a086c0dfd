/** What every write of a live attempt shows: proof that it still owns its target. `targetId` null: a plan without a run. */
export interface Fence {
  readonly attemptId: string;
  readonly targetId: string | null;
  readonly epoch: number;
}
