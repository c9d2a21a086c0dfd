/** Whether anything answers: the name, the connection, the proxy before it, and the certificate. */
import { couldNotRun, fail, NEVER, ok, warn, type Check, type Mend, type Outcome, type Target } from './check.ts';
import { openSocket, ReachFailure } from './open-socket.ts';

/** A certificate that ends sooner is somebody's next outage. */
const EXPIRES_SOON_DAYS = 14;
const DAY_MS = 86_400_000;

export const checkReach: Check = {
  id: 'reach',
  title: 'name, connection and certificate',
  run: async ({ target, route, facts, now }) => {
    try {
      const opened = await openSocket(target.endpoint, route);
      opened.socket.destroy();
      facts.isReachable = true;
      const evidence = [`${target.endpoint.hostname} is reached at ${opened.address}`];
      const { certificate, protocol } = opened;
      if (certificate === null) return ok([...evidence, 'plain HTTP: no certificate']);
      const ends = new Date(certificate.valid_to);
      const days = Math.floor((ends.getTime() - now().getTime()) / DAY_MS);
      const { CN: issuer } = certificate.issuer;
      evidence.push(`${protocol ?? 'TLS'}, a certificate of ${String(issuer)}, trusted, until ${ends.toISOString()}`);
      if (days >= EXPIRES_SOON_DAYS) return ok(evidence);
      return warn(evidence, { cause: `the certificate ends in ${String(days)} days`, side: 'service' });
    } catch (error) {
      if (!(error instanceof ReachFailure)) return couldNotRun(`unexpected: ${String(error)}`);
      return toOutcome(error, target);
    }
  },
};

function toOutcome({ phase, code, message }: ReachFailure, target: Target): Outcome {
  const { endpoint, command } = target;
  const host = endpoint.hostname;
  const at = `${host}:${endpoint.port || (endpoint.protocol === 'https:' ? '443' : '80')}`;
  const evidence = [`${phase}: ${code}, ${message}`];
  const current = `endpoint ${endpoint.origin}`;
  const mend = (change: string): Mend => ({ current, change, verify: command, rollback: current, expires: NEVER });
  switch (phase) {
    case 'dns':
      return fail(evidence, {
        cause: `the name ${host} does not resolve here`,
        mends: [mend(`endpoint: the name that this resolves: getent hosts ${host}`)],
        side: 'between',
      });
    case 'proxy':
      return fail(evidence, {
        cause: 'the proxy before the store does not let the connection through',
        mends: [
          { ...mend(`NO_PROXY=${host}, or another egress`), current: 'the proxy that the connection goes through' },
        ],
        side: 'between',
      });
    case 'tcp':
      return fail(evidence, {
        cause:
          code === 'ECONNREFUSED'
            ? `the machine answers, and nothing listens at ${at}: the service is down, or the port is wrong`
            : `no connection to ${at} comes about: the service is down, or a firewall drops it`,
        mends: [mend('endpoint: the port that the service listens on; start the service if it is down')],
        side: 'service',
      });
    case 'tls':
      return fail(evidence, { ...explainTls(code, message, host, mend), side: 'yours' });
  }
}

function explainTls(
  code: string,
  message: string,
  host: string,
  mend: (change: string) => Mend,
): { cause: string; mends: readonly Mend[] } {
  if (/SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/.test(code)) {
    return {
      cause: 'the certificate is signed by nobody whom this machine trusts',
      mends: [
        {
          ...mend(
            'ca_file: the PEM of the authority, asked of who runs the service (aws CLI: AWS_CA_BUNDLE, Node: NODE_EXTRA_CA_CERTS)',
          ),
          current: 'no ca_file that signs it',
          rollback: 'take ca_file out again',
          expires: 'with the certificate of the authority',
        },
      ],
    };
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      cause: `the certificate is for other names than ${host}: ${message}`,
      mends: [
        mend('endpoint: a name that the certificate has; for buckets with dots in their names, addressing: path'),
      ],
    };
  if (code === 'CERT_HAS_EXPIRED')
    return {
      cause: 'the certificate has expired, or the clock here is wrong',
      mends: [mend('a new certificate at the service')],
    };
  return {
    cause: 'no TLS session comes about: a version, a plain HTTP port, or something in the way',
    mends: [mend('endpoint: the scheme and port of the service')],
  };
}
