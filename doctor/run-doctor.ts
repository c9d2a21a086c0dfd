/**
 * Runs the checks in the order in which a person would do them. Each later one uses what the earlier ones learned, so that one thing
 * varies at a time; nothing is written anywhere unless a place to write was named. No secret leaves: the whole report is redacted at
 * the end as well.
 */
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
import { couldNotRun, type Check, type Examination, type Facts } from './check.ts';
import { DEBUG_SWITCHES } from './debug-switches.ts';
import { findCredentials, type FoundCredentials } from './find-credentials.ts';
import { judge, type NamedOutcome, type Verdict } from './judge.ts';
import { readClientSettings } from './read-client-settings.ts';
import { listSecrets, redactReport } from './redact-report.ts';
import { sendByFacts } from './send-by-facts.ts';
import { toRoute, type RouteOptions } from './to-route.ts';

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

export interface DoctorOptions extends RouteOptions {
  readonly writeProbe?: Examination['writeProbe'];
  readonly capabilitiesFile?: string | null;
  readonly stsEndpoint?: URL | null;
  readonly awsCli?: string | null;
  readonly now?: () => Date;
}

export interface Report {
  readonly target: string;
  readonly checks: readonly NamedOutcome[];
  readonly debugSwitches: typeof DEBUG_SWITCHES;
  readonly verdict: Verdict;
}

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
    control: null,
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
    send: (request) => sendByFacts(request, target, facts, route, now),
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
