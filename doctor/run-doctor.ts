/**
 * Runs the checks in the order in which a person would do them. Each later one uses what the earlier ones learned, so that one thing
 * varies at a time; nothing is written anywhere unless a place to write was named. No secret leaves: the whole report is redacted at
 * the end as well.
 */
import { readFile } from 'node:fs/promises';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import { encodePath } from '../sigv4/encode.ts';
import { checkAddressing } from './check-addressing.ts';
import { checkAwsCli } from './check-aws-cli.ts';
import { checkBaseline } from './check-baseline.ts';
import { checkCapabilities } from './check-capabilities.ts';
import { checkClock } from './check-clock.ts';
import { checkCredentials, clean } from './check-credentials.ts';
import { checkEndpoint } from './check-endpoint.ts';
import { checkIdentity } from './check-identity.ts';
import { checkKey } from './check-key.ts';
import { checkReach } from './check-reach.ts';
import { checkRegion } from './check-region.ts';
import { checkRewrite } from './check-rewrite.ts';
import { checkSigv2 } from './check-sigv2.ts';
import { couldNotRun, type Check, type Examination, type Facts, type Target } from './check.ts';
import { DEBUG_SWITCHES } from './debug-switches.ts';
import { findCredentials, type FoundCredentials } from './find-credentials.ts';
import { findProxy, toEgressRoute } from './find-proxy.ts';
import { judge, type NamedOutcome, type Verdict } from './judge.ts';
import type { OpenRoute } from './open-socket.ts';
import { readClientSettings } from './read-client-settings.ts';
import { listSecrets, redactReport } from './redact-report.ts';
import { sendProbe, type Answer, type ProbeRequest } from './send-probe.ts';

export const CHECKS: readonly Check[] = [
  checkEndpoint,
  checkReach,
  checkClock,
  checkCredentials,
  checkSigv2,
  checkRegion,
  checkKey,
  checkIdentity,
  checkAddressing,
  checkRewrite,
  checkCapabilities,
  checkBaseline,
  checkAwsCli,
];

export interface DoctorOptions {
  readonly target: Target;
  readonly env: NodeJS.ProcessEnv;
  readonly writeProbe?: Examination['writeProbe'];
  readonly capabilitiesFile?: string | null;
  readonly stsEndpoint?: URL | null;
  readonly awsCli?: string | null;
  readonly now?: () => Date;
  readonly timeoutMs?: number;
  /** Stands in for the resolver of names. */
  readonly resolve?: (host: string) => Promise<string>;
}

export interface Report {
  readonly target: string;
  readonly checks: readonly NamedOutcome[];
  readonly debugSwitches: typeof DEBUG_SWITCHES;
  readonly verdict: Verdict;
}

const TIMEOUT_MS = 10_000;

/** @throws invalid_config when a reference of the store's egress or its ca_file cannot be read */
export async function runDoctor(options: DoctorOptions): Promise<Report> {
  const { target, env } = options;
  const now = options.now ?? ((): Date => new Date());
  const settings = await readClientSettings(env);
  const found = await findCredentials(target.store, env, settings);
  const facts: Facts = {
    isReachable: false,
    skewMs: 0,
    region: target.region,
    addressing: target.addressing,
    credentials: found.raw === null ? null : cleaned(found.raw),
    isKeyGood: null,
    baseline: null,
  };
  const route = await toRoute(options);
  const examination: Examination = {
    target,
    env,
    found,
    settings,
    facts,
    now,
    route,
    writeProbe: options.writeProbe ?? null,
    capabilitiesFile: options.capabilitiesFile ?? null,
    stsEndpoint: options.stsEndpoint ?? null,
    awsCli: options.awsCli ?? null,
    send: (request) => send(request, target, facts, route, now),
  };
  const outcomes: NamedOutcome[] = [];
  for (const { id, title, run } of CHECKS) {
    const outcome = await run(examination).catch((error: unknown) =>
      couldNotRun(`the check itself failed: ${error instanceof Error ? error.name : 'unknown'}`),
    );
    outcomes.push({ id, title, ...outcome });
  }
  const report = {
    target: target.name,
    checks: outcomes,
    debugSwitches: DEBUG_SWITCHES,
    verdict: judge(outcomes, target.endpoint.host),
  };
  return redactReport(report, listSecrets(env, found, settings, route));
}

const cleaned = ({
  accessKeyId,
  secretAccessKey,
  sessionToken,
}: NonNullable<FoundCredentials['raw']>): NonNullable<FoundCredentials['raw']> => ({
  accessKeyId: clean(accessKeyId),
  secretAccessKey: clean(secretAccessKey),
  ...(sessionToken === undefined ? {} : { sessionToken: clean(sessionToken) }),
});

async function toRoute({ target, env, timeoutMs = TIMEOUT_MS, resolve }: DoctorOptions): Promise<OpenRoute> {
  const { store, endpoint } = target;
  const caFile = store?.tls.caFile ?? (store === null ? (env['AWS_CA_BUNDLE'] ?? null) : null);
  return {
    proxy:
      store === null
        ? findProxy(endpoint, env)
        : store.egress === null
          ? null
          : await toEgressRoute(store.egress, resolveSecret),
    ca: caFile === null || caFile === '' ? null : await readCa(caFile),
    minVersion: store?.tls.minVersion ?? 'TLSv1.2',
    timeoutMs,
    ...(resolve && { resolve }),
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new WaybillError(
      'invalid_config',
      'the file of trusted certificates cannot be read',
      { path, code },
      { cause },
    );
  }
}

/** Where it goes and how it is signed, from what the facts say. */
async function send(
  request: ProbeRequest,
  target: Target,
  facts: Facts,
  route: OpenRoute,
  now: () => Date,
): Promise<Answer> {
  const bucket = request.bucket === undefined ? target.bucket : request.bucket;
  const isVirtual = (request.addressing ?? facts.addressing) === 'virtual' && bucket !== null;
  const url = new URL(target.endpoint);
  if (isVirtual) url.host = `${bucket}.${target.endpoint.host}`;
  const prefix = url.pathname.replace(/\/$/, '');
  const inPathStyle = request.path ?? (bucket === null ? '/' : `/${bucket}`);
  const path = isVirtual ? inPathStyle.slice(`/${encodePath(bucket)}`.length) || '/' : inPathStyle;
  const credentials = request.credentials ?? facts.credentials;
  return await sendProbe(
    {
      url,
      method: request.method ?? 'GET',
      path: prefix + path,
      query: request.query ?? '',
      headers: request.headers ?? [],
      body: request.body ?? new Uint8Array(),
      sign:
        request.isUnsigned === true || credentials === null
          ? null
          : {
              credentials,
              region: request.region ?? facts.region,
              service: 's3',
              pathRule: 's3',
              at: new Date(now().getTime() + facts.skewMs),
            },
    },
    route,
    now,
  );
}
