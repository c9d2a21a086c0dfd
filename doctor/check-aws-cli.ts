/** The baseline again with the aws CLI, an independent signer, where there is one. It gets no configuration file, so that nothing in one decides. */
import { execFile } from 'node:child_process';
import { clean } from './check-credentials.ts';
import { couldNotRun, fail, ok, type Check } from './check.ts';

/** Its start alone takes seconds on a busy machine. */
const LIMIT_MS = 60_000;

export const checkAwsCli: Check = {
  id: 'aws-cli',
  title: 'baseline with the aws CLI',
  run: async ({ awsCli, facts, target, env, route }) => {
    if (awsCli === null) return couldNotRun('there is no aws CLI here, or it was not wanted (--no-aws-cli)');
    if (!facts.isReachable) return couldNotRun('nothing answers');
    if (facts.credentials === null) return couldNotRun('there are no credentials');
    if (facts.skewMs !== 0) return couldNotRun('it would sign with the clock here, which is wrong');
    if (route.ca !== null)
      return couldNotRun('it trusts other certificates than ca_file: set AWS_CA_BUNDLE and run it by hand');
    if (route.proxy?.source.startsWith('egress') === true)
      return couldNotRun('it knows nothing of the egress of waybill.yaml');
    const { accessKeyId, secretAccessKey, sessionToken } = facts.credentials;
    const operation = target.bucket === null ? ['list-buckets'] : ['head-bucket', '--bucket', target.bucket];
    const args = [
      's3api',
      ...operation,
      '--endpoint-url',
      target.endpoint.href.replace(/\/$/, ''),
      '--region',
      facts.region,
    ];
    const { code, stderr } = await run(awsCli, args, {
      PATH: env['PATH'],
      HOME: env['HOME'],
      HTTPS_PROXY: env['HTTPS_PROXY'],
      HTTP_PROXY: env['HTTP_PROXY'],
      NO_PROXY: env['NO_PROXY'],
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_MAX_ATTEMPTS: '1',
      AWS_ACCESS_KEY_ID: clean(accessKeyId),
      AWS_SECRET_ACCESS_KEY: clean(secretAccessKey),
      ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: clean(sessionToken) }),
    });
    const said = stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
    const evidence = [`aws s3api ${operation.join(' ')}: exit ${String(code)}${said === '' ? '' : `, ${said}`}`];
    if (facts.control?.isVerified === false) return couldNotRun(...evidence, facts.control.evidence);
    if (code === 0) return ok(evidence);
    if (/\(AccessDenied\)|\(403\)/.test(said) && facts.baseline !== null && facts.baseline.code === 'AccessDenied')
      return ok([...evidence, 'the same answer as to the baseline']);
    if (/\([A-Za-z0-9]+\) when calling/.test(said))
      return fail(evidence, { cause: 'the service refuses the aws CLI too', side: 'yours' });
    return couldNotRun(...evidence);
  },
};

function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: LIMIT_MS, maxBuffer: 4 * 1024 * 1024 }, (error, _stdout, stderr) => {
      const { code } = (error ?? { code: 0 }) as { code?: number | string };
      resolve({
        code: typeof code === 'number' ? code : 127,
        stderr: stderr === '' && error !== null ? error.name : stderr,
      });
    });
  });
}
