/**
 * The shape of `waybill.yaml` as a JSON Schema, published as `waybill.schema.json` (`waybill config schema` prints it).
 *
 * - A field's `description` completes the sentence "expected …" in an error message, and tells an editor what the field is.
 * - Fields marked `writeOnly` hold references to secrets. No message of ours repeats the value of any field.
 * - Scalars with two forms (`30s` or a number of seconds) are one schema with two types, never `anyOf`: an error then has one
 *   cause, and not one for each branch.
 * - What a schema cannot say (one of two fields, names that must exist, limits between fields) is checked by the `to-*.ts` files.
 */
import Type from 'typebox';
import type { Static } from 'typebox';
import { RUN_CONCURRENCY_MAX } from '../core/limits.ts';
import {
  closed,
  duration,
  flag,
  listen,
  NAME_PATTERN,
  named,
  oneOf,
  price,
  secretRef,
  size,
  strings,
  text,
} from './schema-fields.ts';

const storeSchema = Type.Object(
  {
    endpoint: Type.Optional(text('the URL of an S3-compatible service, https://HOST[:PORT]')),
    directory: Type.Optional(text('a local directory that holds the objects, instead of an endpoint')),
    region: Type.Optional(text('the region that requests are signed for (us-east-1)')),
    addressing: Type.Optional(
      oneOf(['path', 'virtual'], 'path or virtual (virtual for amazonaws.com, path elsewhere)'),
    ),
    credentials: Type.Optional(
      Type.Object(
        {
          access_key_id: Type.Optional(secretRef('the access key id')),
          secret_access_key: Type.Optional(secretRef('the secret access key')),
          session_token: Type.Optional(secretRef('the session token')),
          profile: Type.Optional(text('the name of a profile of the AWS configuration files')),
        },
        { ...closed, description: 'a key pair or a profile; without it the default chain of the AWS SDK is asked' },
      ),
    ),
    conditional_writes: Type.Optional(flag('true where the store honours If-None-Match and If-Match on writes (true)')),
    etags: Type.Optional(
      oneOf(['md5', 'opaque'], 'md5 or opaque: whether a single-part ETag is the MD5 of the bytes (md5)'),
    ),
    unsigned_payload: Type.Optional(flag('true to send UNSIGNED-PAYLOAD to this store (false)')),
    fsync: Type.Optional(flag('false for a scratch directory whose last writes may be lost (true)')),
    prices: Type.Optional(
      Type.Object(
        {
          currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$', description: 'a currency code such as USD' })),
          per_thousand_writes: Type.Optional(price('of 1,000 PUT, COPY, POST or LIST requests')),
          per_thousand_reads: Type.Optional(price('of 1,000 GET or HEAD requests')),
          per_gib_out: Type.Optional(price('of a GiB that leaves the store')),
        },
        { ...closed, description: 'what the store charges; fields left out are those of S3 Standard in us-east-1' },
      ),
    ),
  },
  { ...closed, description: 'a store' },
);

const location = {
  store: text('the name of a store of this file'),
  bucket: text('a bucket name'),
  prefix: Type.Optional(Type.String({ maxLength: 1024, description: 'a key prefix, "" for the whole bucket' })),
};

const pipelineSchema = Type.Object(
  {
    source: Type.Object(location, { ...closed, description: 'where objects are read' }),
    target: Type.Object(
      {
        ...location,
        encryption: Type.Optional(
          Type.Object(
            {
              algorithm: oneOf(['aws:kms', 'AES256'], 'aws:kms or AES256'),
              kms_key_id: Type.Optional(text('the id, ARN or alias of a KMS key')),
            },
            { ...closed, description: 'the server-side encryption asked of the target' },
          ),
        ),
      },
      { ...closed, description: 'where objects are written' },
    ),
    include: Type.Optional(strings('globs over the key without the source prefix; none means everything')),
    exclude: Type.Optional(strings('globs over the key without the source prefix; they win over include')),
    min_size: Type.Optional(size('the smallest object that is copied')),
    max_size: Type.Optional(size('the largest object that is copied')),
    min_age: Type.Optional(duration('the youngest object that is copied, by the nominal time of the run')),
    max_age: Type.Optional(duration('the oldest object that is copied, by the nominal time of the run')),
    overwrite: Type.Optional(
      oneOf(['refuse', 'always'], "refuse or always: what is done about somebody else's object at the target (refuse)"),
    ),
    tags: Type.Optional(flag('true to carry object tags over (true)')),
    unsafe_skip_target_listing: Type.Optional(
      flag('true to plan without looking at the target; losses there go unseen (false)'),
    ),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: RUN_CONCURRENCY_MAX,
        description: `the batches in flight at once, 1 to ${RUN_CONCURRENCY_MAX} (4)`,
      }),
    ),
    schedule: Type.Optional(
      Type.Object(
        {
          cron: text('a cron expression of five fields; six add the year, seven the seconds in front as well'),
          timezone: Type.Optional(text('an IANA time zone such as Europe/Berlin (UTC)')),
          catchup_window: Type.Optional(duration('how late a missed time is still made up for (1d)')),
          jitter: Type.Optional(duration('the random delay that spreads starts (0)')),
          paused: Type.Optional(flag('true to create the schedule paused (false)')),
        },
        { ...closed, description: 'when the pipeline runs by itself' },
      ),
    ),
  },
  { ...closed, description: 'a pipeline' },
);

const workloadKeySchema = Type.Object(
  {
    access_key_id: secretRef("the workload's access key id"),
    secret_access_key: secretRef("the workload's secret access key"),
    store: text('the name of a store of this file'),
    operations: Type.Array(
      oneOf(['list', 'read', 'write', 'delete', 'admin'], 'one of list, read, write, delete, admin'),
      { description: 'what the key may do: list, read, write, delete, admin', minItems: 1 },
    ),
    buckets: Type.Optional(strings('the buckets that the key may touch; none means every bucket of the store')),
    prefixes: Type.Optional(strings('the key prefixes that it may touch; none means every key')),
    allow_unsigned_payload: Type.Optional(flag('true to accept UNSIGNED-PAYLOAD writes of this key (false)')),
    upload: Type.Optional(flag('true to let the key call POST /upload (false)')),
  },
  { ...closed, description: 'a workload key' },
);

const gatewaySchema = Type.Object(
  {
    listen: Type.Optional(listen('the address of the S3 endpoint (127.0.0.1:9000)')),
    admin_listen: Type.Optional(listen('the address of metrics and health')),
    allow_insecure_http: Type.Optional(flag('true to serve plain HTTP beyond loopback (false)')),
    tls: Type.Optional(
      Type.Object(
        { cert_file: text('the path of a PEM certificate chain'), key_file: text('the path of its PEM private key') },
        { ...closed, description: 'the certificate that the endpoint serves' },
      ),
    ),
    region: Type.Optional(text('the region that callers sign for (us-east-1)')),
    upload_size_max: Type.Optional(size('the largest body of POST /upload, decoded (64MiB)')),
    request_limit: Type.Optional(duration('how long one request may take to arrive (30s)')),
    keys: Type.Optional(named(workloadKeySchema, 'the workload keys by name')),
  },
  { ...closed, description: 'the gateway' },
);

const workerSchema = Type.Object(
  {
    gateway_endpoint: text('the URL of the gateway as the worker sees it, http[s]://HOST[:PORT]'),
    keys: Type.Optional(
      named(text('the name of a key of gateway.keys'), 'store name: name of the workload key for it'),
    ),
    metrics_listen: Type.Optional(listen('the address of metrics')),
    heartbeat_timeout: Type.Optional(duration('the silence after which a worker counts as lost (60s)')),
    request_limit: Type.Optional(
      duration('how long one store request may take, at most half of heartbeat_timeout (30s)'),
    ),
    memory: Type.Optional(size('the object bytes in memory at once (64MiB)')),
    sweep_interval: Type.Optional(duration('how often the remains of dead attempts are looked for (60s)')),
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
