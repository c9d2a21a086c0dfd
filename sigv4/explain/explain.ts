/**
 * Explains a signature that fails. One side and a secret: the stages as they should be, and the mutation that makes the signature
 * hold. Two sides: the first byte where they part, and the mutation that turns one into the other. Neither a secret nor a signing
 * key nor the signature that would be right ever stands in the result.
 */
import { equalConstantTime } from '../constant-time.ts';
import { sha256Hex } from '../hex.ts';
import { createSigningKeyCache } from '../signing-key.ts';
import { ALGORITHM } from '../string-to-sign.ts';
import type { Crypto, PathRule } from '../types.ts';
import { findDifference, type Difference } from './difference.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { SOURCES, type Stage } from './mutation.ts';
import { readClaim, type Fault } from './read-claim.ts';
import { finish, searchMutation, type Oracle } from './search.ts';
import {
  computeSignature,
  headerOf,
  parseCanonical,
  parseStringToSign,
  printCanonical,
  printInputScope,
  printStringToSign,
  toSigningInputs,
  type SigningInputs,
} from './signing-inputs.ts';

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

export interface ExplainOptions {
  readonly crypto: Crypto;
  /** Null when nobody has it. */
  readonly secret: string | null;
}

interface Side {
  readonly evidence: Evidence;
  readonly faults: readonly Fault[];
  /** What a correct signer makes of the request. */
  readonly correct: SigningInputs | null;
  /** What this side says that it used. */
  readonly used: SigningInputs | null;
  readonly signature: string | null;
  readonly accessKeyId: string | null;
}

export function explain(sides: readonly Evidence[], options: ExplainOptions): Explanation {
  return finish(explainInSteps(sides, options));
}

/** The same in slices of some milliseconds, for a page that must stay alive; each `next()` goes on with the search. */
export function* explainInSteps(sides: readonly Evidence[], options: ExplainOptions): Generator<void, Explanation> {
  const read = sides.map((evidence) => readSide(evidence, options.crypto));
  const { signed, ...result } =
    read.length > 1 ? yield* explainTwo(read, options) : yield* explainOne(read[0], options);
  const explained = read.map((side) => toExplainedSide(side, options.crypto));
  return {
    ...result,
    sides: signed === undefined ? explained : [...explained, signed],
    notes: sides.flatMap(({ notes }) => notes),
  };
}

interface Result extends Pick<Explanation, 'verdict' | 'findings' | 'difference' | 'needs'> {
  /** What was signed, where it is not one of the sides that were given. */
  readonly signed?: ExplainedSide;
}

function* explainOne(side: Side | undefined, options: ExplainOptions): Generator<void, Result> {
  if (side === undefined)
    return unknown(['a request, as a dump, a curl command, a URL, a HAR entry, a log or an error document']);
  const { correct, used, signature, faults } = side;
  const seen = faults.map(toFinding);
  if (correct !== null && signature !== null && options.secret !== null) {
    const holds = toSignatureOracle(options, signature);
    if (holds(correct))
      return { verdict: seen.length === 0 ? 'holds' : 'found', findings: seen, difference: null, needs: [] };
    const found = yield* search(side, correct, holds, options, 'signature');
    if (found !== null)
      return {
        verdict: 'found',
        findings: [...found.findings, ...seen],
        ...showSigned(correct, found.inputs, options.crypto),
        needs: [],
      };
  }
  // The server's own texts, or the client's, beside the request that they are of.
  if (correct !== null && used !== null && printCanonical(correct) !== printCanonical(used)) {
    const target = printCanonical(used);
    const found = yield* search(side, correct, (inputs) => printCanonical(inputs) === target, options, 'texts');
    const difference = findDifference('canonical request', printCanonical(correct), target);
    const findings = found === null ? [...seen, toPlain(difference)] : [...found.findings, ...seen];
    return { verdict: 'found', findings, difference, needs: [] };
  }
  if (used !== null && options.secret !== null && signature !== null) {
    const holds = toSignatureOracle(options, signature);
    if (holds(used) && seen.length === 0) return { verdict: 'holds', findings: [], difference: null, needs: [] };
    const found = yield* search(side, used, holds, options, 'signature');
    if (found !== null)
      return {
        verdict: 'found',
        findings: [...found.findings, ...seen],
        ...showSigned(used, found.inputs, options.crypto),
        needs: [],
      };
  }
  if (seen.length > 0) return { verdict: 'found', findings: seen, difference: null, needs: [] };
  const needs = [
    ...(options.secret === null
      ? ['the secret access key, in AWS_SECRET_ACCESS_KEY or at the prompt: then the signature itself can be tried']
      : []),
    ...(used === null
      ? ["the server's error document, with its CanonicalRequest and StringToSign, as the second side"]
      : []),
    ...(correct === null ? ['the request as it was sent'] : []),
    ...(options.secret !== null && correct !== null
      ? ['another secret: none of the known ways to sign wrongly gives this signature with the one given']
      : []),
  ];
  return unknown(needs);
}

function* explainTwo([left, right]: readonly Side[], options: ExplainOptions): Generator<void, Result> {
  if (left === undefined || right === undefined) return unknown([]);
  const seen = [...left.faults, ...right.faults].map(toFinding);
  const a = left.used ?? left.correct;
  const b = right.used ?? right.correct;
  if (a === null || b === null) return yield* explainOne(a === null ? right : left, options);
  const [textA, textB] = [printCanonical(a), printCanonical(b)];
  const difference =
    findDifference('canonical request', textA, textB) ??
    findDifference('string to sign', printStringToSign(options.crypto, a), printStringToSign(options.crypto, b));
  if (difference === null) {
    const one = yield* explainOne(left.signature === null ? right : left, options);
    const isRefused = [left, right].some(({ evidence }) => evidence.error?.code === 'SignatureDoesNotMatch');
    // Both sides say what they used, and it is the same; or the secret that is at hand signs it, and the server refuses it.
    const isSecret = (left.used !== null && right.used !== null) || (one.verdict === 'holds' && isRefused);
    if (isSecret && (one.verdict === 'unknown' || one.verdict === 'holds')) {
      return { verdict: 'found', findings: [OTHER_SECRET, ...seen], difference: null, needs: [] };
    }
    if (one.verdict !== 'unknown') return one;
    const needs =
      options.secret === null
        ? [
            'the secret access key: the request arrived as it was sent, so that either it was signed with another secret than the server has, or the client signed other texts than these',
            "the client's debug log with its canonical request, as the other side",
          ]
        : [
            'the secret that the server has for this access key: with the one given, neither this request nor any known way to sign it wrongly has this signature',
          ];
    return { ...unknown(needs), findings: seen };
  }
  const same = (target: SigningInputs): Oracle => {
    const [canonical, scope] = [printCanonical(target), printInputScope(target)];
    return (inputs) =>
      printCanonical(inputs) === canonical && printInputScope(inputs) === scope && inputs.amzDate === target.amzDate;
  };
  // What the server made of it is right by definition, so the client's text is a mutation of the server's; or the other way round.
  const server = left.evidence.kind === 'error' ? left : right;
  const [base, target] = server === left ? [a, b] : [b, a];
  const found =
    (yield* search(server, base, same(target), options, 'texts')) ??
    (yield* search(server === left ? right : left, target, same(base), options, 'texts'));
  return {
    verdict: 'found',
    findings: [...(found?.findings ?? [toPlain(difference)]), ...seen],
    difference,
    needs: [],
  };
}

function* search(
  side: Side,
  base: SigningInputs,
  oracle: Oracle,
  { crypto }: ExplainOptions,
  proof: Finding['proof'],
): Generator<void, { readonly findings: readonly Finding[]; readonly inputs: SigningInputs } | null> {
  const { request, body } = side.evidence;
  const context = {
    request,
    body,
    hash: (data: string | Uint8Array) => sha256Hex(crypto, data),
    accessKeyId: side.accessKeyId ?? '',
  };
  const found = yield* searchMutation(base, context, oracle);
  if (found === null) return null;
  const findings = found.mutations.map(({ mutation, detail }): Finding => {
    const { id, stage, culprit, rule, source, mend } = mutation;
    return { id, stage, culprit: detail === undefined ? culprit : `${culprit} (${detail})`, rule, source, mend, proof };
  });
  return { findings, inputs: found.inputs };
}

/** The texts that the signature is really of, beside those that it should be of; nothing where only the secret was another. */
function showSigned(
  right: SigningInputs,
  signed: SigningInputs,
  crypto: Crypto,
): Pick<Result, 'difference' | 'signed'> {
  const difference =
    findDifference('canonical request', printCanonical(right), printCanonical(signed)) ??
    findDifference('string to sign', printStringToSign(crypto, right), printStringToSign(crypto, signed));
  if (difference === null) return { difference };
  return {
    difference,
    signed: {
      label: 'what was signed',
      canonicalRequest: printCanonical(signed),
      stringToSign: printStringToSign(crypto, signed),
      accessKeyId: null,
      scope: printInputScope(signed),
    },
  };
}

function toSignatureOracle({ crypto, secret }: ExplainOptions, signature: string): Oracle {
  const cache = createSigningKeyCache();
  return (inputs) => equalConstantTime(computeSignature(crypto, inputs, secret ?? '', cache), signature);
}

function readSide(evidence: Evidence, crypto: Crypto): Side {
  const { request } = evidence;
  const { claim, faults } = request === null ? { claim: null, faults: [] } : readClaim(request);
  const said = evidence.stringToSign === null ? null : parseStringToSign(evidence.stringToSign);
  const rest = said ?? (claim === null ? null : { algorithm: ALGORITHM, amzDate: claim.amzDate, scope: claim.scope });
  const fallback = {
    algorithm: ALGORITHM,
    amzDate: '',
    scope: { date: '', region: '', service: 's3', terminator: 'aws4_request' },
  };
  const used = evidence.canonicalRequest === null ? null : parseCanonical(evidence.canonicalRequest, rest ?? fallback);
  const correct =
    request === null || claim === null
      ? null
      : toSigningInputs(
          request,
          claim,
          toPathRule(claim.scope.service),
          toPayloadHash(evidence, claim.form, claim.scope.service, crypto),
        );
  return {
    evidence,
    faults,
    correct,
    used,
    signature: evidence.signature ?? claim?.signature ?? null,
    accessKeyId: evidence.accessKeyId ?? claim?.accessKeyId ?? null,
  };
}

const toPathRule = (service: string): PathRule => (service.toLowerCase().startsWith('s3') ? 's3' : 'standard');

function toPayloadHash(
  { request, body }: Evidence,
  form: 'header' | 'presigned',
  service: string,
  crypto: Crypto,
): string {
  if (request === null) return '';
  const said = headerOf(request, 'x-amz-content-sha256');
  if (said !== '') return said;
  const inQuery = /(?:^|&)X-Amz-Content-Sha256=([^&]*)/i.exec(request.query)?.[1];
  if (inQuery !== undefined) return inQuery;
  if (form === 'presigned' && service.toLowerCase().startsWith('s3')) return 'UNSIGNED-PAYLOAD';
  return sha256Hex(crypto, body ?? '');
}

function toExplainedSide({ evidence, correct, used, accessKeyId }: Side, crypto: Crypto): ExplainedSide {
  const inputs = used ?? correct;
  return {
    label: evidence.label,
    canonicalRequest: inputs === null ? null : printCanonical(inputs),
    stringToSign: inputs === null ? evidence.stringToSign : printStringToSign(crypto, inputs),
    accessKeyId,
    scope: inputs === null ? null : printInputScope(inputs),
  };
}

const toFinding = ({ id, what, mend }: Fault): Finding => ({
  id,
  stage: 'request',
  culprit: what,
  rule: 'AWS, "Authenticating requests": the form of a signature',
  source: 'AWS, "Authenticating Requests (AWS Signature Version 4)"',
  mend,
  proof: 'seen',
});

/** The texts are the same on both sides, so nothing else is left. */
const OTHER_SECRET: Finding = {
  id: 'secret-differs',
  stage: 'signing key',
  culprit: 'it was signed with another secret than the server has for this access key',
  rule: 'client and server derive the key from the same secret access key',
  source: SOURCES.signingKey,
  mend: 'compare where both get the secret from: a rotated key, another profile or environment, a secret of another access key',
  proof: 'texts',
};

/** A difference that no known mutation explains. */
function toPlain(difference: Difference | null): Finding {
  return {
    id: 'texts-differ',
    stage: 'canonical headers',
    culprit: `the two sides part in ${difference?.line ?? 'an unknown line'}`,
    rule: 'both sides must build the same text',
    source: 'AWS, "Create a signed AWS API request"',
    mend: 'send what was signed: look for what changes this line between the two',
    proof: 'texts',
  };
}

const unknown = (needs: readonly string[]): Result => ({ verdict: 'unknown', findings: [], difference: null, needs });
