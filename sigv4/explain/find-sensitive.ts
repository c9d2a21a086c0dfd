/**
 * Finds in what was pasted the values that are secret by the place in which they stand: passwords of curl and of URLs, credentials
 * of configurations and environments, tokens, signatures. They may come back in an answer from another place of the same paste.
 */

export interface Sensitive {
  /** Not shown at all. */
  readonly secrets: readonly string[];
  /** Shown by their first characters. */
  readonly shortened: readonly string[];
}

/** Shorter values are words, such as `string` in `secretKey: string`. */
const LENGTH_MIN = 8;
const LENGTH_MAX = 8192;
/** A paste is about one request or two; a thousand distinct values are no credentials. */
const VALUES_MAX = 200;

const SECRETS: readonly RegExp[] = [
  // curl -u KEY:SECRET, --user, -U, --proxy-user; quoted or not.
  /(?:^|\s)(?:-u|-U|--user|--proxy-user)[ =]?(?:"[^:"]{0,256}:([^"]*)"|'[^:']{0,256}:([^']*)'|[^:\s"']{0,256}:([^\s"']+))/g,
  // aws_secret_access_key = …, "SecretAccessKey": "…", --secret_key=…, <SecretAccessKey>…
  /secret[-_]?(?:access[-_]?)?key\\?["']?\s{0,8}[=:>]\s{0,8}\\?["']?([^\s"'<,;&\\]+)/gi,
  // https://user:password@host
  /:\/\/[^\s/:@]{1,256}:([^\s/@]+)@/g,
  /\bbearer\s{1,8}([^\s"',;]+)/gi,
];
const BASIC = /\bbasic\s{1,8}([A-Za-z0-9+/_-]{4,}={0,2})/gi;
const SHORTENED: readonly RegExp[] = [
  /(?:session|security)[-_]?token\\?["']?(?:\s{0,8}[=:>]|%3d)\s{0,8}\\?["']?([^\s"'<,;&\\]+)/gi,
  /signature(?:provided)?\\?["']?(?:\s{0,8}[=:>]|%3d)\s{0,8}\\?["']?([0-9a-f]{16,})/gi,
];

/** @param given what is known to be secret from elsewhere */
export function findSensitive(texts: readonly string[], given: readonly string[]): Sensitive {
  const secrets = new Set(given);
  const shortened = new Set<string>();
  for (const text of texts) {
    for (const pattern of SECRETS) collect(text, pattern, secrets);
    for (const pattern of SHORTENED) collect(text, pattern, shortened);
    const basic = new Set<string>();
    collect(text, BASIC, basic);
    for (const value of basic) {
      add(secrets, value);
      add(secrets, passwordOf(value));
    }
  }
  // A token of a URL is percent-encoded there and plain elsewhere.
  for (const value of [...shortened]) if (value.includes('%')) add(shortened, decode(value));
  return { secrets: [...secrets], shortened: [...shortened].filter((value) => !secrets.has(value)) };
}

function collect(text: string, pattern: RegExp, into: Set<string>): void {
  for (const match of text.matchAll(pattern)) {
    add(into, match.slice(1).find((group) => group !== undefined) ?? '');
    if (into.size >= VALUES_MAX) return;
  }
}

function add(into: Set<string>, value: string): void {
  if (value.length >= LENGTH_MIN && value.length <= LENGTH_MAX) into.add(value);
}

function passwordOf(basic: string): string {
  try {
    const bytes = Uint8Array.from(atob(basic.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    return new TextDecoder().decode(bytes).replace(/^[^:]*:/, '');
  } catch {
    return '';
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
