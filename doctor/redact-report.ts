/** Every text of a report without what is secret: what was resolved here, what the environment and client files hold, and what a server echoed. */
import { createRedactor } from '../sigv4/explain/redact.ts';
import type { FoundCredentials } from './find-credentials.ts';
import type { OpenRoute } from './open-socket.ts';
import type { ClientSettings } from './read-client-settings.ts';

/** A shorter value of a variable is a word, such as `true`. */
const VARIABLE_LENGTH_MIN = 8;

export function redactReport<Report>(report: Report, secrets: readonly string[]): Report {
  const redact = createRedactor({ secrets: [...new Set(secrets)], shortened: [] });
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return redact(value);
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one)]));
  };
  return walk(report) as Report;
}

/** Everything that could be a secret, however it came. */
export function listSecrets(
  env: NodeJS.ProcessEnv,
  found: FoundCredentials,
  settings: ClientSettings,
  route: OpenRoute,
): readonly string[] {
  const named = Object.entries(env).flatMap(([name, value = '']) =>
    /SECRET|TOKEN|PASSWORD|PASSPHRASE/i.test(name) && !/_FILE$/.test(name) && value.length >= VARIABLE_LENGTH_MIN
      ? [value]
      : [],
  );
  const urls = Object.values(env).flatMap((value = '') => {
    const password = /^\w+:\/\/[^:@/\s]*:([^@/\s]+)@/.exec(value)?.[1];
    return password === undefined ? [] : [password];
  });
  const own = [found.raw?.secretAccessKey, found.raw?.sessionToken, route.proxy?.credentials?.password];
  return [...named, ...urls, ...own.filter((one) => one !== undefined), ...settings.secrets];
}
