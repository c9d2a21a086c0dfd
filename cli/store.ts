/** `waybill store`: serve a directory as S3. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import { parseAccelMetadata, parseAccelPrefix } from '../config/accel-settings.ts';
import type { AccessLogMode, ListenAddress } from '../config/config.ts';
import { parseListenAddress } from '../config/listen-address.ts';
import { parseSizeBytes } from '../config/parse-size.ts';
import { DEFAULT_LIMITS } from '../config/to-gateway.ts';
import { WaybillError } from '../core/failures.ts';
import { createAccel } from '../gateway/directory/accel.ts';
import { createAccessLog } from '../gateway/admin/access-log.ts';
import { MemoryBudget } from '../gateway/listener/memory-budget.ts';
import { startMetricsListener } from '../gateway/admin/metrics-listener.ts';
import { createS3Metrics, observeListener } from '../gateway/admin/metrics.ts';
import { startStoreServer } from '../gateway/store-server.ts';
import { createFilesystemStore } from '../stores/filesystem/create-filesystem-store.ts';
import type { Store } from '../stores/store.ts';

export interface StoreCommandOptions {
  readonly root: string;
  readonly listen: ListenAddress;
  readonly region: string;
  readonly allowUnsignedPayload: boolean;
  readonly adminListen?: ListenAddress;
  readonly fsync: boolean;
  readonly bucket: readonly string[];
  readonly allowInsecureHttp: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly requestLimit: number;
  readonly idleLimit: number;
  readonly connectionsMax: number;
  readonly memoryMax: number;
  readonly accessLog: AccessLogMode;
  readonly accelRedirect?: string;
  readonly accelMetadata: readonly string[];
  readonly logLevel: string;
}

const ACCESS_LOG_MODES: readonly AccessLogMode[] = ['all', 'refusals', 'off'];
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * The command, to be added to the program. It ends when SIGTERM or SIGINT has been served; failures are thrown as WaybillError:
 * invalid_config (exit 2), port_in_use (exit 4).
 */
export function buildStoreCommand(): Command {
  return new Command('store')
    .description('serve a directory as S3; credentials in WAYBILL_ACCESS_KEY_ID and WAYBILL_SECRET_ACCESS_KEY')
    .requiredOption('--root <dir>', 'the directory')
    .requiredOption('--listen <host:port>', 'where to listen; port 0 takes a free one', parseAddress)
    .option('--region <name>', 'the region that callers sign for', 'us-east-1')
    .option('--allow-unsigned-payload', 'accept bodies whose hash is not signed', false)
    .option('--admin-listen <host:port>', 'serve /metrics and /healthz there', parseAddress)
    .option(
      '--no-fsync',
      'acknowledge writes that are not on disk: a crash of the machine loses them; for scratch stores',
    )
    .option('--bucket <name>', 'create this bucket at the start where it is missing; repeatable', collect, [])
    .option('--allow-insecure-http', 'plain HTTP beyond loopback', false)
    .option('--tls-cert <file>', 'PEM certificate chain')
    .option('--tls-key <file>', 'PEM private key')
    .option('--request-limit <seconds>', 'how long one request may take to arrive whole', parseSeconds, 900)
    .option('--accel-redirect <prefix>', 'let the nginx in front send files, from this internal location', parsePrefix)
    .option('--accel-metadata <name>', 'user metadata that nginx copies; repeatable', collectMetadata, [])
    .option(
      '--idle-limit <seconds>',
      'how long a body may bring nothing, and an answer wait for its reader',
      parseSeconds,
      DEFAULT_LIMITS.idleLimitMs / 1000,
    )
    .option(
      '--connections-max <count>',
      'how many connections may be open at once',
      parseCount,
      DEFAULT_LIMITS.connectionsMax,
    )
    .option(
      '--memory-max <size>',
      'the bodies that are held whole at once, as 256MiB or a number of bytes',
      parseSize,
      DEFAULT_LIMITS.memoryBytes,
    )
    .addOption(
      new Option('--access-log <mode>', 'a line for each request, or for each that is refused')
        .choices(ACCESS_LOG_MODES)
        .default('refusals'),
    )
    .addOption(new Option('--log-level <level>', 'on stderr').choices(LOG_LEVELS).default('info'))
    .action((options: StoreCommandOptions) => runStore(options, process.env));
}

/** Serves until a signal ends it. @throws invalid_config, port_in_use */
export async function runStore(options: StoreCommandOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const accessKeyId = environment['WAYBILL_ACCESS_KEY_ID'] ?? '';
  const secretAccessKey = environment['WAYBILL_SECRET_ACCESS_KEY'] ?? '';
  if (accessKeyId === '' || secretAccessKey === '') {
    throw new WaybillError(
      'invalid_config',
      'set WAYBILL_ACCESS_KEY_ID and WAYBILL_SECRET_ACCESS_KEY: the store has no default credentials',
    );
  }
  const { tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new WaybillError('invalid_config', '--tls-cert and --tls-key belong together');
  }
  const logger = pino(
    { level: options.logLevel, base: { service: 'store' } },
    pino.destination({ dest: 2, sync: false }),
  );
  const metrics = createS3Metrics();
  const logRequest = createAccessLog(logger, () => options.accessLog);
  const memory = new MemoryBudget(options.memoryMax);
  const store = await createFilesystemStore({ root: options.root, fsync: options.fsync });
  const stops: (() => Promise<void>)[] = [() => store.close()];
  try {
    for (const bucket of options.bucket) await ensureBucket(store, bucket);
    const server = await startStoreServer({
      store,
      keys: [
        {
          name: accessKeyId,
          credentials: [{ accessKeyId, secretAccessKey }],
          allowUnsignedPayload: options.allowUnsignedPayload,
        },
      ],
      listen: options.listen,
      region: options.region,
      requestLimitMs: options.requestLimit * 1000,
      limits: { idleLimitMs: options.idleLimit * 1000, connectionsMax: options.connectionsMax },
      memory,
      logger,
      onRequest: (record) => {
        metrics.count(record);
        logRequest(record);
      },
      allowInsecureHttp: options.allowInsecureHttp,
      ...(options.accelRedirect !== undefined && {
        accel: createAccel({ prefix: options.accelRedirect, metadata: options.accelMetadata }, store.locateFile),
      }),
      ...(tlsCert !== undefined && tlsKey !== undefined && { tls: { certFile: tlsCert, keyFile: tlsKey } }),
    });
    stops.unshift(() => server.close());
    observeListener(metrics.registry, server);
    // There is no configuration to read again, but a certificate.
    process.on('SIGHUP', () => void server.lookAtTls());
    if (options.adminListen !== undefined) {
      const admin = await startMetricsListener(metrics.registry, options.adminListen);
      stops.unshift(() => admin.close());
      logger.info({ url: admin.url }, 'metrics');
    }
    if (!options.fsync) logger.warn({}, 'fsync is off: acknowledged writes are lost when the machine stops');
    // Before the line that says ready: who reads it may send the signal at once.
    const ended = waitForSignal();
    process.stdout.write(`waybill store: listening on ${server.url} root=${options.root}\n`);
    const signal = await ended;
    logger.info({ signal }, 'stopping');
  } finally {
    for (const stop of stops) await stop();
  }
}

async function ensureBucket(store: Store, bucket: string): Promise<void> {
  const existing = await store.listBuckets();
  if (!existing.some(({ name }) => name === bucket)) await store.createBucket(bucket);
}

function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}

function parseAddress(text: string): ListenAddress {
  const address = parseListenAddress(text);
  if (address === null) throw new InvalidArgumentError('HOST:PORT, for instance 127.0.0.1:9000');
  return address;
}

function parsePrefix(text: string): string {
  const prefix = parseAccelPrefix(text);
  if (prefix === null) throw new InvalidArgumentError('a path such as /.waybill/');
  return prefix;
}

function collectMetadata(text: string, before: readonly string[]): readonly string[] {
  const name = parseAccelMetadata(text);
  if (name === null) throw new InvalidArgumentError('a name such as md5 or x-amz-meta-md5');
  return [...before, name];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 86_400))
    throw new InvalidArgumentError('a number of seconds, above 0 and up to 86400');
  return seconds;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000)
    throw new InvalidArgumentError('a whole number from 1 to 1000000');
  return count;
}

function parseSize(text: string): number {
  if (!/^[0-9]+(\.[0-9]+)? ?(B|[kK]B|MB|GB|TB|KiB|MiB|GiB|TiB)?$/.test(text))
    throw new InvalidArgumentError('5MiB, 1GB or a number of bytes');
  return /^[0-9]+$/.test(text) ? Number(text) : parseSizeBytes(text);
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
