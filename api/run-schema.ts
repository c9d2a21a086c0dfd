/** The JSON of a run, as it is documented and serialised. A field that is not here is never sent. */
import Type from 'typebox';
import { OUTCOME_CODES } from '../core/outcomes.ts';
import { CLOSED_STATES, LIVE_STATES } from '../core/run-state.ts';

const nullable = (schema: Type.TSchema) => Type.Unsafe({ anyOf: [schema, { type: 'null' }] });
const text = (description?: string) => Type.String(description === undefined ? {} : { description });
const orNull = (type: 'string' | 'integer', description: string) => Type.Unsafe({ type: [type, 'null'], description });
const count = Type.Integer({ minimum: 0 });
const amount = Type.Number();
const enumeration = (values: readonly string[], description: string) =>
  Type.Unsafe<string>({ type: 'string', enum: [...values], description });

export const runState = enumeration([...LIVE_STATES, ...CLOSED_STATES], 'the last four are closed states');
export const outcomeName = enumeration(['copied', ...OUTCOME_CODES], 'what became of the object');

const traffic = Type.Record(Type.String(), Type.Object({ requests: count, bytes_in: count, bytes_out: count }), {
  description: 'by store/operation; without what a worker that was killed had spent in batches that it did not end',
});
const outcomes = Type.Record(Type.String(), count, { description: 'objects that were not copied, by outcome' });

const totals = Type.Object({
  objects: count,
  size_bytes: count,
  copied: count,
  copied_bytes: count,
  skipped: count,
  skipped_bytes: count,
  adopted: count,
  adopted_bytes: count,
  repaired: count,
  orphans: count,
  outcomes,
});

const summary = Type.Object({
  traffic,
  avoided_traffic: traffic,
  money: Type.Array(Type.Object({ currency: text(), spent: amount, avoided: amount })),
  marker_key: orNull('string', 'the key of the manifest at the target'),
  empty_source: Type.Boolean({ description: 'the source held no object that passes the filters' }),
});

const verification = Type.Object({
  state: enumeration(['running', 'ok', 'lost', 'failed'], 'lost: something is missing or changed at the target'),
  checked_at: orNull('string', 'ISO 8601'),
  objects: count,
  missing: count,
  changed: count,
  marker: enumeration(['present', 'absent', 'different', 'unknown'], 'the manifest at the target'),
  message: orNull('string', 'what went wrong'),
});

const manifestRef = Type.Object({ hash: text(), content_hash: text(), objects: count, size_bytes: count });
const planCounts = Type.Object({
  batches: count,
  skipped: count,
  skipped_bytes: count,
  to_copy: count,
  to_copy_bytes: count,
  to_adopt: count,
  to_repair: count,
  orphans: count,
  refused: count,
});
const copyCounts = Type.Object({
  copied: count,
  copied_bytes: count,
  repaired: count,
  adopted: count,
  adopted_bytes: count,
  failed: count,
});

const progress = Type.Object({
  source: enumeration(['workflow', 'ledger'], 'who told: the live workflow, or what the batches have committed'),
  paused: Type.Boolean(),
  concurrency: orNull('integer', 'batches in flight at once'),
  batches_done: orNull('integer', 'finished batches'),
  manifest: nullable(manifestRef),
  plan: nullable(planCounts),
  counts: nullable(copyCounts),
  outcomes: nullable(outcomes),
});

const failure = Type.Object({ type: text('a row of the failure table'), message: text() });

export const attemptSchema = Type.Object({
  attempt: Type.Integer({ minimum: 1, description: 'which try of the run this is, from 1' }),
  state: runState,
  workflow_run_id: orNull('string', "Temporal's id of the execution"),
  manifest_hash: orNull('string', 'sha256 of the manifest'),
  content_hash: orNull('string', 'sha256 of the objects alone, without the run_id'),
  plan_hash: orNull('string', 'sha256 of the plan'),
  totals: nullable(totals),
  summary: nullable(summary),
  verification: nullable(verification),
  failure: nullable(failure),
  accepted_at: text('ISO 8601'),
  started_at: orNull('string', 'ISO 8601'),
  ended_at: orNull('string', 'ISO 8601'),
});

/** A run with its latest attempt. */
export const runSchema = Type.Object(
  {
    id: text('the UUID of the run'),
    pipeline: text(),
    run_id: text("the caller's word, or the nominal time of the schedule"),
    mode: enumeration(['run', 'plan'], 'a plan reports what a run would do'),
    nominal_at: orNull('string', 'ISO 8601; the time that age filters count from'),
    ...attemptSchema.properties,
    progress: Type.Optional(nullable(progress)),
  },
  { $id: 'Run' },
);

export const startedSchema = Type.Object(
  {
    ...runSchema.properties,
    already: enumeration(['no', 'live', 'done', 'replayed'], 'whether the run was there before this request'),
    verifying: Type.Boolean({
      description: 'the run was done before, and its target is being compared with its manifest',
    }),
  },
  { $id: 'StartedRun' },
);
