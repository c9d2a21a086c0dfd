/** The doctor over one endpoint, in this process, with an environment of the test's own and nothing of this machine's. */
import type { Status, Target } from '../../doctor/check.ts';
import { runDoctor, type DoctorOptions, type Report } from '../../doctor/run-doctor.ts';
import type { NamedOutcome } from '../../doctor/judge.ts';
import type { Credentials } from '../../sigv4/types.ts';
import { TEST_CREDENTIALS } from './start-store.ts';

export interface ExamineOptions extends Omit<Partial<DoctorOptions>, 'target'> {
  readonly credentials?: Credentials | null;
  readonly target?: Partial<Target>;
}

export const NO_HOME = '/nonexistent';

export async function examine(endpoint: string, options: ExamineOptions = {}): Promise<Report> {
  const { credentials = TEST_CREDENTIALS, target, env, ...rest } = options;
  const keys =
    credentials === null
      ? {}
      : {
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
        };
  return await runDoctor({
    target: {
      name: endpoint,
      endpoint: new URL(endpoint),
      region: 'us-east-1',
      addressing: 'path',
      bucket: 'photos',
      store: null,
      command: `waybill doctor ${endpoint} --region us-east-1 --addressing path --bucket photos`,
      ...target,
    },
    env: { HOME: NO_HOME, AWS_EC2_METADATA_DISABLED: 'true', ...keys, ...env },
    timeoutMs: 5_000,
    ...rest,
  });
}

export function outcomeOf(report: Report, id: string): NamedOutcome {
  const found = report.checks.find((check) => check.id === id);
  if (found === undefined) throw new Error(`there is no check ${id}`);
  return found;
}

export const statusOf = (report: Report, id: string): Status => outcomeOf(report, id).status;

/** Ids of the checks with this status, in their order. */
export const withStatus = (report: Report, status: Status): string[] =>
  report.checks.filter((check) => check.status === status).map(({ id }) => id);
