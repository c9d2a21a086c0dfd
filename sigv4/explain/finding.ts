/** What an explanation says: the findings, the texts of each side, and what would settle it where it is not settled. */
import type { Difference } from './difference.ts';
import { SOURCES, type Stage } from './mutation.ts';
import type { Fault } from './read-claim.ts';

export interface Finding {
  readonly id: string;
  readonly stage: Stage | 'request';
  /** The cause in one sentence, with what exactly behind it. */
  readonly culprit: string;
  readonly rule: string;
  readonly source: string;
  readonly mend: string;
  /** `signature`: it makes the signature hold; `texts`: it turns one side's text into the other's; `seen`: it stands there. */
  readonly proof: 'signature' | 'texts' | 'seen';
}

/** The stages of one side. */
export interface ExplainedSide {
  readonly label: string;
  readonly canonicalRequest: string | null;
  readonly stringToSign: string | null;
  readonly accessKeyId: string | null;
  readonly scope: string | null;
}

export interface Explanation {
  /** `holds`: nothing is wrong with the signature; `found`: the first finding is the cause; `unknown`: not found, or not enough to tell. */
  readonly verdict: 'holds' | 'found' | 'unknown';
  readonly findings: readonly Finding[];
  readonly difference: Difference | null;
  readonly sides: readonly ExplainedSide[];
  /** What would settle it, each a sentence; empty when it is settled. */
  readonly needs: readonly string[];
  readonly notes: readonly string[];
}

export interface Result extends Pick<Explanation, 'verdict' | 'findings' | 'difference' | 'needs'> {
  /** What was signed, where it is not one of the sides that were given. */
  readonly signed?: ExplainedSide;
}

export const unknown = (needs: readonly string[]): Result => ({
  verdict: 'unknown',
  findings: [],
  difference: null,
  needs,
});

export const toFinding = ({ id, what, mend, rule, stage }: Fault): Finding => ({
  id,
  stage: stage ?? 'request',
  culprit: what,
  rule: rule ?? 'AWS, "Authenticating requests": the form of a signature',
  source: 'AWS, "Authenticating Requests (AWS Signature Version 4)"',
  mend,
  proof: 'seen',
});

/** The texts are the same on both sides, so nothing else is left. */
export const OTHER_SECRET: Finding = {
  id: 'secret-differs',
  stage: 'signing key',
  culprit:
    'it was signed with another key than the server derives: from another secret than it has for this access key, or derived in another way',
  rule: 'client and server derive the key from the same secret access key',
  source: SOURCES.signingKey,
  mend: 'compare where both get the secret from: a rotated key, another profile or environment, a secret of another access key',
  proof: 'texts',
};

/** A difference that no known mutation explains. @param lines the names of all lines that differ, the first one first */
export function toPlain(difference: Difference | null, lines: readonly string[] = []): Finding {
  const line = difference?.line ?? 'an unknown line';
  const others = lines.filter((one) => one !== line);
  return {
    id: 'texts-differ',
    stage: difference === null ? 'canonical headers' : toStage(difference),
    culprit: `the two sides part in ${[line, ...others].join('; and in ')}`,
    rule: 'both sides must build the same text',
    source: 'AWS, "Create a signed AWS API request"',
    mend:
      MENDS.find(([name]) => line.startsWith(name))?.[1] ??
      'send what was signed: look for what changes this line between the two',
    proof: 'texts',
  };
}

const MENDS: readonly (readonly [line: string, mend: string])[] = [
  ['method', 'send the method that was signed; caches and proxies turn HEAD into GET'],
  ['canonical URI', 'let nothing between client and server change the path: no prefix, no decoding, no folding'],
  ['canonical query', 'let nothing between client and server add, drop or encode parameters'],
  [
    'canonical headers, host',
    'let the proxy pass Host through (nginx: proxy_set_header Host $http_host; Apache: ProxyPreserveHost On)',
  ],
  ['canonical headers', 'let nothing behind the signer write this header, or do not sign it'],
  ['signed headers', 'sign the same set of headers that Authorization lists'],
  ['payload hash', 'sign the hash of the body that is sent, the same that stands in x-amz-content-sha256'],
];

const toStage = ({ text, line }: Difference): Stage =>
  text === 'string to sign'
    ? 'string to sign'
    : ((['method', 'canonical URI', 'canonical query', 'signed headers', 'payload hash'] as const).find(
        (one) => one === line,
      ) ?? 'canonical headers');
