/** Which source of credentials won, which others are set, and what is wrong with the set by its looks: halves, blanks, stale tokens. */
import { couldNotRun, fail, NEVER, ok, warn, type Check, type Mend } from './check.ts';
import { isMetadataAllowed } from './find-credentials.ts';

const KEPT = 4;
/** `AKID…(20)`: an id is no secret, and nobody needs it whole. */
export const printKeyId = (id: string): string => `${id.slice(0, KEPT)}…(${String(id.length)})`;

export const checkCredentials: Check = {
  id: 'credentials',
  title: 'credentials, by their looks',
  run: async ({ target, env, found, now }) => {
    const evidence = [`source: ${found.winner ?? 'none'}`, `others that are set: ${found.others.join(', ') || 'none'}`];
    const has = (name: string): boolean => (env[name] ?? '') !== '';
    const failures: string[] = [];
    const warnings: string[] = [];
    const mends: Mend[] = [];
    const add = (
      list: string[],
      cause: string,
      current: string,
      change: string,
      rollback: string,
      expires = NEVER,
    ): void => {
      list.push(cause);
      mends.push({ current, change, verify: target.command, rollback, expires });
    };
    const fromEnvironment = found.winner === 'environment';
    if (has('AWS_ACCESS_KEY_ID') !== has('AWS_SECRET_ACCESS_KEY')) {
      const [there, missing] = has('AWS_ACCESS_KEY_ID')
        ? ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
        : ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'];
      const list = fromEnvironment ? failures : warnings;
      add(
        list,
        `${there} is set and ${missing} is not`,
        `${there} alone`,
        `unset ${there}`,
        `set ${there} again, with ${missing}`,
        'with the shell',
      );
    }
    if (has('AWS_PROFILE') && has('AWS_ACCESS_KEY_ID')) {
      add(
        warnings,
        'AWS_PROFILE and a key pair are both set: the aws CLI and boto3 take the pair, the AWS SDK for JavaScript the profile',
        'both are set',
        'unset AWS_PROFILE',
        `export AWS_PROFILE=${env['AWS_PROFILE'] ?? ''}`,
        'with the shell',
      );
    }
    if (has('AWS_SECURITY_TOKEN') && env['AWS_SECURITY_TOKEN'] !== env['AWS_SESSION_TOKEN']) {
      add(
        warnings,
        'AWS_SECURITY_TOKEN, the old name, holds another token than AWS_SESSION_TOKEN: old clients send that one',
        'two tokens',
        'unset AWS_SECURITY_TOKEN',
        'set it again',
        'with the shell',
      );
    }
    const { raw } = found;
    if (raw !== null) {
      evidence.push(
        `access key ${printKeyId(raw.accessKeyId)}, ${raw.sessionToken === undefined ? 'no' : 'a'} session token`,
      );
      for (const [name, value] of toValues(raw)) {
        const flaw = findFlaw(value);
        if (flaw === null) continue;
        // What waybill.yaml refers to is trimmed by the gateway; other clients that read the same file do not.
        add(
          target.store === null ? failures : warnings,
          `${name} ${flaw}, which becomes a part of it`,
          `${name} ${flaw}`,
          fromEnvironment
            ? `export ${name}="$(printf %s "$${name}" | tr -d '[:space:]"'"'"'')"`
            : `take it out where it is kept, for instance: printf %s "$VALUE" > FILE`,
          'none: the value with it never worked',
        );
      }
      if (/^ASIA/.test(raw.accessKeyId) && raw.sessionToken === undefined)
        add(
          failures,
          'the key is a temporary one (ASIA…) and its session token is missing',
          'no session token',
          'export AWS_SESSION_TOKEN, as it was given with the key',
          'unset AWS_SESSION_TOKEN',
          'with the session, mostly an hour after it was given',
        );
      if (/^AKIA/.test(raw.accessKeyId) && raw.sessionToken !== undefined)
        add(
          failures,
          'the key is a lasting one (AKIA…) and a session token stands beside it, left over from another',
          'a session token',
          'unset AWS_SESSION_TOKEN',
          'set AWS_SESSION_TOKEN again, with its own key',
          'with the shell',
        );
    }
    if (found.expiresAt !== null) {
      evidence.push(`they expire at ${found.expiresAt.toISOString()}`);
      if (found.expiresAt.getTime() <= now().getTime())
        add(
          failures,
          'the credentials have expired',
          `expired at ${found.expiresAt.toISOString()}`,
          'ask for new ones from where these came (aws sso login, aws sts assume-role, POST /session)',
          'none: expired ones never work again',
          'when the new ones say so',
        );
    }
    if (raw === null && failures.length === 0) {
      const why = found.problem ?? 'none were found';
      return couldNotRun(
        ...evidence,
        why,
        isMetadataAllowed(env) ? 'instance metadata was asked too' : 'instance metadata is switched off',
      );
    }
    const cause = [...failures, ...warnings].join('; ');
    if (failures.length > 0) return fail(evidence, { cause, mends, side: 'yours' });
    return warnings.length > 0 ? warn(evidence, { cause, mends, side: 'yours' }) : ok(evidence);
  },
};

function toValues(raw: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): [string, string][] {
  return [
    ['AWS_ACCESS_KEY_ID', raw.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', raw.secretAccessKey],
    ...(raw.sessionToken === undefined ? [] : [['AWS_SESSION_TOKEN', raw.sessionToken] as [string, string]]),
  ];
}

/** What a copy or a shell leaves behind; null for a value that is clean. */
export function findFlaw(value: string): string | null {
  if (/[\r\n]+$/.test(value)) return 'ends with a newline';
  if (/^\s|\s$/.test(value)) return 'begins or ends with a blank';
  if (/^["'].*["']$/s.test(value)) return 'stands in quotes';
  if (/[\u0000-\u001f\u007f-\uffff]/.test(value)) return 'has a character in it that is no visible ASCII';
  return null;
}

/** What the value would be without it. */
export const clean = (value: string): string => value.trim().replace(/^(["'])(.*)\1$/s, '$2');
