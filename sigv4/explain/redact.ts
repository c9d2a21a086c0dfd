/**
 * Takes out of a text what must not stand in an answer: a secret in every form in which it could be written, and all but the
 * beginnings of session tokens and signatures, which a person needs only to tell them apart.
 */
import { encodeComponent, encodePath } from '../encode.ts';
import { showInvisible } from './difference.ts';
import type { Explanation } from './explain.ts';
import type { Sensitive } from './find-sensitive.ts';

const KEPT = 6;
/** Shorter ones are words, and would be found everywhere. */
const SECRET_LENGTH_MIN = 4;

/** `AbCdEf…(128)`; a short one is not shown at all. */
export function shorten(value: string): string {
  return value.length <= KEPT * 2 ? `…(${String(value.length)})` : `${value.slice(0, KEPT)}…(${String(value.length)})`;
}

const TOKEN = /(x-amz-security-token["']?\s*[:=]\s*["']?)([^\s"'&,;]+)/gi;
const SIGNATURE = /((?:X-Amz-Signature|(?:^|[^a-z-])Signature)["']?\s*[=:]\s*["']?)([0-9a-f]{16,})/gi;
const USER = /((?:^|\s)(?:-u|--user)[ =]?["']?[^:\s"']+:)([^\s"']+)/g;

export type Redact = (text: string) => string;

/** Made once for what is known to be secret, however it came. */
export function createRedactor({ secrets, shortened }: Sensitive): Redact {
  const hidden = toPattern(secrets);
  const cut = toPattern(shortened);
  return (text) => {
    const clean = hidden === null ? text : text.replace(hidden, '[secret]');
    const marked = clean
      .replace(TOKEN, (_, before: string, token: string) => before + shorten(token))
      .replace(SIGNATURE, (_, before: string, signature: string) => before + shorten(signature))
      .replace(USER, (_, before: string) => `${before}[secret]`);
    return cut === null ? marked : marked.replace(cut, shorten);
  };
}

/** One pattern for every form of every one, in any case, since names and hex change theirs on the way; null when there is none. */
function toPattern(values: readonly string[]): RegExp | null {
  const forms = new Set(values.filter((value) => value.trim().length >= SECRET_LENGTH_MIN).flatMap(toForms));
  // The longest first, so that no form leaves a piece of another.
  const sorted = [...forms].filter((form) => form.length >= SECRET_LENGTH_MIN).sort((a, b) => b.length - a.length);
  if (sorted.length === 0) return null;
  return new RegExp(sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gi');
}

/** Plain, trimmed, URL-encoded as browsers and as AWS do it up to three times, escaped for JSON and XML, base64 at any place in it, hex. */
function toForms(secret: string): readonly string[] {
  const forms: string[] = [];
  for (const one of new Set([secret, secret.trim()])) {
    const bytes = new TextEncoder().encode(one);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
    const encodings = encodeOnce([one]);
    const twice = encodeOnce(encodings);
    const escaped = JSON.stringify(one).slice(1, -1);
    forms.push(one, showInvisible(one), ...encodings, ...twice, ...encodeOnce(twice));
    forms.push(...encodings.map((text) => text.replaceAll('%20', '+')));
    forms.push(escaped, JSON.stringify(escaped).slice(1, -1), one.replaceAll('/', '\\/'), escapeXml(one));
    forms.push(hex.join(''), hex.join(' '), ...toBase64(bytes));
    // What a path or a query makes of it when it is read and written again.
    forms.push(...decodings(one).flatMap((text) => [text, encodeComponent(text), encodePath(text)]));
  }
  return forms;
}

/** Each text as AWS writes components and paths, and as browsers write components. */
const encodeOnce = (texts: readonly string[]): string[] => [
  ...new Set(texts.flatMap((text) => [encodeComponent(text), encodePath(text), encodeLikeBrowser(text)])),
];

/** encodeURIComponent, which leaves five characters alone, for texts that are no well-formed UTF-16 too. */
const encodeLikeBrowser = (text: string): string =>
  encodeComponent(text).replace(/%(?:21|27|28|29|2A)/g, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );

function decodings(text: string): string[] {
  if (!text.includes('%')) return [];
  try {
    return [decodeURIComponent(text)];
  } catch {
    return [];
  }
}

const XML: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' };
const escapeXml = (text: string): string => text.replace(/[<>&"']/g, (character) => XML[character] ?? character);

/** Alone, and what of it cannot change when one or two bytes, such as those of `key:`, stand before it. */
function toBase64(bytes: Uint8Array): string[] {
  const forms: string[] = [];
  for (let before = 0; before < 3; before++) {
    const shifted = new Uint8Array(before + bytes.length);
    shifted.set(bytes, before);
    let binary = '';
    for (const byte of shifted) binary += String.fromCharCode(byte);
    const whole = btoa(binary);
    if (before === 0) forms.push(whole);
    const end = Math.floor((shifted.length * 8) / 6);
    const core = whole.slice(before === 0 ? 0 : before + 1, end);
    if (core.length >= 8) forms.push(core);
  }
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** Every text of an explanation. The bytes around a difference go where its line holds what is not to be shown. */
export function redactExplanation(explanation: Explanation, sensitive: Sensitive): Explanation {
  const redact = createRedactor(sensitive);
  const { difference } = explanation;
  const clean = redactAll(explanation, redact);
  if (difference === null || clean.difference === null) return clean;
  const isClean = clean.difference.left === difference.left && clean.difference.right === difference.right;
  const bytes = '(not shown: what stands here is secret)';
  return isClean
    ? clean
    : { ...clean, difference: { ...clean.difference, columnBytes: 0, leftBytes: bytes, rightBytes: bytes } };
}

/** Every text inside a value; the value's shape stays. */
function redactAll<Value>(value: Value, redact: Redact): Value {
  if (typeof value === 'string') return redact(value) as Value;
  if (Array.isArray(value)) return value.map((one: unknown) => redactAll(one, redact)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, redactAll(one as unknown, redact)]),
  ) as Value;
}
