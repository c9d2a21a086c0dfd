/** `GET /v1/pipelines`: what is configured. Stores are named only; nothing here leads to a credential. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { Location, PipelineSpec } from '../../core/pipeline.ts';
import type { ApiDeps } from '../deps.ts';
import { problems } from '../problem-schema.ts';

const location = { store: Type.String(), bucket: Type.String(), prefix: Type.String() };
const orNull = (type: string, description: string) => Type.Unsafe({ type: [type, 'null'], description });

const pipelineSchema = Type.Object({
  name: Type.String(),
  source: Type.Object(location),
  target: Type.Object({
    ...location,
    encryption: Type.Unsafe({
      type: ['object', 'null'],
      properties: { algorithm: { type: 'string' }, kms_key_id: { type: ['string', 'null'] } },
    }),
  }),
  include: Type.Array(Type.String()),
  exclude: Type.Array(Type.String()),
  min_size_bytes: orNull('integer', 'bytes'),
  max_size_bytes: orNull('integer', 'bytes'),
  min_age_seconds: orNull('number', 'at the nominal time of a run'),
  max_age_seconds: orNull('number', 'at the nominal time of a run'),
  overwrite: Type.String(),
  proof: Type.String(),
  tags: Type.Boolean(),
  unsafe_skip_target_listing: Type.Boolean(),
  concurrency: Type.Integer(),
  retention_seconds: orNull('number', 'null: as long as the worker keeps those of all'),
  schedule: Type.Unsafe({
    type: ['object', 'null'],
    properties: {
      cron: { type: 'string' },
      timezone: { type: 'string' },
      catchup_window_seconds: { type: 'number' },
      jitter_seconds: { type: 'number' },
      paused: { type: 'boolean' },
    },
  }),
});

export function listPipelinesRoute(app: FastifyInstance, { config }: ApiDeps): void {
  app.get(
    '/pipelines',
    {
      schema: {
        operationId: 'listPipelines',
        summary: 'The pipelines that are configured',
        tags: ['pipelines'],
        response: {
          200: Type.Object({ items: Type.Array(pipelineSchema) }, { description: 'the pipelines by name' }),
          ...problems(),
        },
      },
    },
    async () => ({
      items: [...config.pipelines.values()].map((spec) =>
        printPipeline(spec, config.pipelineRetentionMs.get(spec.name) ?? null),
      ),
    }),
  );
}

const toSeconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
const printLocation = ({ store, bucket, prefix }: Location) => ({ store, bucket, prefix });

function printPipeline(spec: PipelineSpec, retentionMs: number | null): Record<string, unknown> {
  const { source, target, filters, schedule } = spec;
  const { encryption } = target;
  return {
    name: spec.name,
    source: printLocation(source),
    target: {
      ...printLocation(target),
      encryption: encryption && { algorithm: encryption.algorithm, kms_key_id: encryption.kmsKeyId },
    },
    include: filters.include,
    exclude: filters.exclude,
    min_size_bytes: filters.minSizeBytes,
    max_size_bytes: filters.maxSizeBytes,
    min_age_seconds: toSeconds(filters.minAgeMs),
    max_age_seconds: toSeconds(filters.maxAgeMs),
    overwrite: spec.overwrite,
    proof: spec.proof ?? 'md5',
    tags: spec.tags,
    unsafe_skip_target_listing: !spec.listTarget,
    concurrency: spec.concurrency,
    retention_seconds: toSeconds(retentionMs),
    schedule: schedule && {
      cron: schedule.cron,
      timezone: schedule.timezone,
      catchup_window_seconds: schedule.catchupWindowMs / 1000,
      jitter_seconds: schedule.jitterMs / 1000,
      paused: schedule.paused,
    },
  };
}
