/**
 * The shape of `waybill.yaml` as a JSON Schema, published as `waybill.schema.json` (`waybill config schema` prints it).
 *
 * - A field's `description` completes the sentence "expected …" in an error message, and tells an editor what the field is.
 * - Fields marked `writeOnly` hold references to secrets. No message of ours repeats their values.
 * - Scalars with two forms (`30s` or a number of seconds) are one schema with two types, never `anyOf`: an error then has one
 *   cause, and not one for each branch.
 * - What a schema cannot say (one of two fields, names that must exist, limits between fields) is checked by the `to-*.ts` files.
 */
import Type from 'typebox';
import type { Static } from 'typebox';
import { closed, duration, flag, listen, NAME_PATTERN, named, oneOf, secretRef, size, text } from './schema-fields.ts';
import { gatewaySchema } from './schema-gateway.ts';
import { pipelineSchema } from './schema-pipeline.ts';
import { storeSchema } from './schema-store.ts';

const workerSchema = Type.Object(
  {
    gateway_endpoint: text('the URL of the gateway as the worker sees it, http[s]://HOST[:PORT]'),
    keys: Type.Optional(
      named(text('the name of a key of gateway.keys'), 'store name: name of the workload key for it'),
    ),
    sessions: Type.Optional(flag('true to sign each run with short-lived credentials of its own (false)')),
    metrics_listen: Type.Optional(listen('the address of metrics')),
    processes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, description: 'how many processes (one for each core), 1 to 64' }),
    ),
    heartbeat_timeout: Type.Optional(duration('the silence after which a worker counts as lost (60s)')),
    request_limit: Type.Optional(
      duration('how long one store request may take, at most half of heartbeat_timeout (30s)'),
    ),
    memory: Type.Optional(size('the object bytes in memory at once, of each process (64MiB)')),
    sweep_interval: Type.Optional(duration('how often the remains of dead attempts are looked for (60s)')),
    retention: Type.Optional(
      duration('how long manifests, steps and outcomes of ended attempts are kept, at least 3d (30d)'),
    ),
  },
  { ...closed, description: 'the worker' },
);

const apiSchema = Type.Object(
  {
    listen: Type.Optional(listen('the address of the API (127.0.0.1:8080)')),
    tokens: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Type.String({ pattern: NAME_PATTERN, description: 'a name of a-z 0-9 _ -, up to 63 long' }),
            sha256: Type.String({
              pattern: '^([0-9a-f]{64}|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$',
              writeOnly: true,
              description: 'the SHA-256 of the token in 64 hex digits, or a reference to it, env:NAME or file:PATH',
            }),
            role: Type.Optional(oneOf(['operator', 'viewer'], 'operator or viewer (viewer)')),
          },
          { ...closed, description: 'a token; see waybill token create' },
        ),
        { description: 'the bearer tokens that the API accepts' },
      ),
    ),
  },
  { ...closed, description: 'the REST API' },
);

export const configSchema = Type.Object(
  {
    stores: named(storeSchema, 'the stores by name'),
    pipelines: Type.Optional(named(pipelineSchema, 'the pipelines by name')),
    gateway: Type.Optional(gatewaySchema),
    worker: Type.Optional(workerSchema),
    api: Type.Optional(apiSchema),
    database: Type.Optional(secretRef('the URL of the Postgres database')),
    temporal: Type.Optional(
      Type.Object(
        {
          address: Type.Optional(text("the address of Temporal's frontend (TEMPORAL_ADDRESS, else 127.0.0.1:7233)")),
          namespace: Type.Optional(text('the Temporal namespace (default)')),
          task_queue: Type.Optional(text('the task queue of the workers (waybill)')),
        },
        { ...closed, description: 'where Temporal is' },
      ),
    ),
  },
  { ...closed, description: 'the sections stores, pipelines, gateway, worker, api, database and temporal' },
);

export type RawConfig = Static<typeof configSchema>;
export type RawStore = Static<typeof storeSchema>;
export type RawPipeline = Static<typeof pipelineSchema>;
export type RawGateway = Static<typeof gatewaySchema>;
export type RawWorker = Static<typeof workerSchema>;
export type RawApi = Static<typeof apiSchema>;

/** The published schema, as the text of `config/waybill.schema.json`: lists of words on one line, as the formatter leaves them. */
export function printConfigSchema(): string {
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'waybill.yaml',
  };
  const text = JSON.stringify({ ...head, ...configSchema }, null, 2);
  return `${text.replaceAll(/\[\s+("[^[\]{}]*")\s+\]/g, (_, words: string) => `[${words.replaceAll(/\s*\n\s*/g, ' ')}]`)}\n`;
}
