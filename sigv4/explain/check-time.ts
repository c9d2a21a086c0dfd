/**
 * Whether a signature is still, or already, of its time. A presigned URL says how long it lives. A signed header lives for 15 minutes
 * around its sending, which is not in the evidence: one of the past is only noted, since it may be an old log that is read.
 */
import { parseQuery } from '../canonical-query.ts';
import { parseAmz } from './amz-time.ts';
import type { Finding } from './finding.ts';
import type { Side } from './side.ts';

/** What S3 allows between the time that was signed and its own. */
const SKEW_MAX_MS = 15 * 60_000;
const SOURCE = 'AWS, "Authenticating Requests (AWS Signature Version 4)"';

export interface TimeCheck {
  readonly finding: Finding | null;
  readonly note: string | null;
}

const NOTHING: TimeCheck = { finding: null, note: null };

/** @param now in milliseconds, as the reader's clock has it */
export function checkTime({ evidence: { request }, correct }: Side, now: number, holds: boolean): TimeCheck {
  const signed = correct === null ? null : parseAmz(correct.amzDate);
  if (request === null || signed === null) return NOTHING;
  if (signed > now + SKEW_MAX_MS) return { finding: toAhead(signed, now), note: null };
  const parameters = parseQuery(request.query) ?? [];
  const expires = parameters.find(([name]) => name.toLowerCase() === 'x-amz-expires')?.[1];
  if (expires !== undefined) {
    const end = signed + Number(expires) * 1000;
    return end < now ? { finding: toExpired(signed, end, now, holds), note: null } : NOTHING;
  }
  if (now - signed <= SKEW_MAX_MS) return NOTHING;
  return {
    finding: null,
    note: `it was signed at ${print(signed)}, ${printSpan(now - signed)} ago, and servers take a signature for 15 minutes: if it was sent just now, the clock of the client is behind`,
  };
}

const toExpired = (signed: number, end: number, now: number, holds: boolean): Finding => ({
  id: 'signature-expired',
  stage: 'request',
  culprit: `${holds ? 'the signature holds, and the URL' : 'the URL'} expired at ${print(end)}, ${printSpan(now - end)} ago (signed at ${print(signed)} for ${printSpan(end - signed)})`,
  rule: 'a presigned URL is taken from X-Amz-Date on for X-Amz-Expires seconds; one made with temporary credentials dies with these, too',
  source: SOURCE,
  mend: 'presign anew, for longer if need be: 7 days at most',
  proof: 'seen',
});

const toAhead = (signed: number, now: number): Finding => ({
  id: 'clock',
  stage: 'request',
  culprit: `it was signed for ${print(signed)}, which is ${printSpan(signed - now)} ahead of the clock here`,
  rule: 'a server takes a signature whose time is at most 15 minutes from its own',
  source: SOURCE,
  mend: 'take the time in UTC, not the local one with a Z behind it; else set the clock of the client (timedatectl set-ntp true)',
  proof: 'seen',
});

const print = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** In its two greatest units: `2 hours 10 minutes`. */
function printSpan(ms: number): string {
  let seconds = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [name, length] of UNITS) {
    const count = Math.floor(seconds / length);
    seconds -= count * length;
    if (count > 0) parts.push(`${String(count)} ${name}${count === 1 ? '' : 's'}`);
    else if (parts.length > 0) break;
  }
  return parts.length === 0 ? '0 seconds' : parts.slice(0, 2).join(' ');
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];
