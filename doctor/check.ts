/**
 * What a check of the doctor is and what it says. `could not run` is a verdict of its own: a check that looked at nothing has found
 * nothing, and nobody may read that as "nothing is wrong".
 */
import type { ProviderStore } from '../config/config.ts';
import type { Credentials } from '../sigv4/types.ts';
import type { FoundCredentials } from './find-credentials.ts';
import type { Answer, ProbeRequest } from './send-probe.ts';
import type { OpenRoute } from './open-socket.ts';
import type { ClientSettings } from './read-client-settings.ts';

export type Status = 'ok' | 'warn' | 'fail' | 'could not run';
/** Whose a fault is: who calls, what stands between, or who serves. */
export type Side = 'yours' | 'between' | 'service';

/** A runbook entry: one variable, and the way back. */
export interface Mend {
  readonly current: string;
  /** One single change; a command, or one line of a configuration. */
  readonly change: string;
  readonly verify: string;
  readonly rollback: string;
  /** When what was changed ends by itself. */
  readonly expires: string;
}

export interface Outcome {
  readonly status: Status;
  readonly evidence: readonly string[];
  readonly cause: string | null;
  readonly mends: readonly Mend[];
  /** Of a cause; null where there is none. */
  readonly side: Side | null;
}

export interface Check {
  /** A wire name: it stands in --json. */
  readonly id: string;
  readonly title: string;
  readonly run: (examination: Examination) => Promise<Outcome>;
}

export interface Target {
  /** The store's name, or the URL. */
  readonly name: string;
  readonly endpoint: URL;
  readonly region: string;
  readonly addressing: 'path' | 'virtual';
  readonly bucket: string | null;
  /** The entry of waybill.yaml; null for a URL. */
  readonly store: ProviderStore | null;
  /** Repeats the examination. */
  readonly command: string;
}

/** What the control probe showed. */
export interface Control {
  readonly isVerified: boolean;
  /** One line that says why. */
  readonly evidence: string;
}

/** What earlier checks learned, so that later ones vary one thing at a time: a wrong clock is not tried with a wrong region. */
export interface Facts {
  isReachable: boolean;
  /** Server minus ours. */
  skewMs: number;
  region: string;
  addressing: 'path' | 'virtual';
  credentials: Credentials | null;
  /** Null until it was asked. */
  isKeyGood: boolean | null;
  baseline: Answer | null;
  /** Whether a signature counts for anything here; null until a check needed to know. */
  control: Control | null;
}

export interface Examination {
  readonly target: Target;
  readonly env: NodeJS.ProcessEnv;
  readonly found: FoundCredentials;
  readonly settings: ClientSettings;
  readonly facts: Facts;
  readonly now: () => Date;
  readonly route: OpenRoute;
  /** `BUCKET[/PREFIX]` that may be written to and deleted from; null: nothing is. */
  readonly writeProbe: { readonly bucket: string; readonly prefix: string } | null;
  /** Where measured capabilities are kept; null: nowhere. */
  readonly capabilitiesFile: string | null;
  readonly stsEndpoint: URL | null;
  /** The aws CLI; null where there is none or it is not wanted. */
  readonly awsCli: string | null;
  /** Signed with what the facts say, unless the request says otherwise. */
  readonly send: (request: ProbeRequest) => Promise<Answer>;
}

const outcome =
  (status: Status) =>
  (evidence: readonly string[], rest: Partial<Omit<Outcome, 'status' | 'evidence'>> = {}): Outcome => ({
    status,
    evidence,
    cause: null,
    mends: [],
    side: null,
    ...rest,
  });

export const ok = outcome('ok');
export const warn = outcome('warn');
export const fail = outcome('fail');
export const couldNotRun = (...why: readonly string[]): Outcome => outcome('could not run')(why);

export const NEVER = 'does not expire';
