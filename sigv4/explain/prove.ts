/** Searches for what makes a signature hold or turns one text into another, and says it as findings. */
import { equalConstantTime } from '../constant-time.ts';
import { sha256Hex } from '../hex.ts';
import { createSigningKeyCache } from '../signing-key.ts';
import type { Crypto } from '../types.ts';
import { findDifference } from './difference.ts';
import { OTHER_SECRET, type Finding, type Result } from './finding.ts';
import type { Mutation, MutationContext } from './mutation.ts';
import { searchMutation, type Oracle } from './search.ts';
import type { Side } from './side.ts';
import {
  computeSignature,
  printCanonical,
  printInputScope,
  printStringToSign,
  type SigningInputs,
} from './signing-inputs.ts';

export interface ExplainOptions {
  readonly crypto: Crypto;
  /** Null when nobody has it. */
  readonly secret: string | null;
  /** The reader's time, in milliseconds; without it nothing is said of expiry. */
  readonly now?: number;
}

export interface SearchHow {
  readonly proof: Finding['proof'];
  /** Default: two changes are tried together where one alone does not do it. */
  readonly pairs?: boolean;
  /** What is said of a single change, instead of what it was tried with. */
  readonly detail?: string;
}

/** Null when nothing that is known does it. */
export function* search(
  side: Side,
  base: SigningInputs,
  oracle: Oracle,
  options: ExplainOptions,
  how: Finding['proof'] | SearchHow,
): Generator<void, { readonly findings: readonly Finding[]; readonly inputs: SigningInputs } | null> {
  const { proof, pairs = true, detail } = typeof how === 'string' ? { proof: how } : how;
  // A signed header that did not arrive has a value that nobody knows: where none of the usual ones is it, no second change is.
  const found = yield* searchMutation(base, toContext(side, options), oracle, {
    pairs: pairs && side.missing.length === 0,
  });
  if (found === null && proof === 'signature' && isLoggedWhole(side, base, options))
    return { findings: [NOT_THIS_SECRET], inputs: base };
  if (found === null) return null;
  const isAlone = found.mutations.length === 1;
  const findings = found.mutations.map((one) =>
    toFoundFinding(isAlone && detail !== undefined ? { ...one, detail } : one, proof),
  );
  return { findings, inputs: found.inputs };
}

/** A client's own log of all three: what is signed there, its canonical request, and the signature that came of it. */
function isLoggedWhole({ evidence, used, signature }: Side, base: SigningInputs, { crypto }: ExplainOptions): boolean {
  return (
    evidence.kind === 'log' &&
    base === used &&
    signature?.length === 64 &&
    evidence.stringToSign !== null &&
    printStringToSign(crypto, used) === evidence.stringToSign
  );
}

const NOT_THIS_SECRET: Finding = {
  ...OTHER_SECRET,
  culprit:
    'the client signed with another secret than the one given here (or derived its key in an unknown way): this one does not give the signature of the string to sign that it logged',
  mend: 'compare where the client gets its secret from with where this one is from: another profile, environment or rotated key; if the server has the one given here, the client has the wrong one',
  proof: 'seen',
};

export function toContext(side: Side, { crypto }: ExplainOptions): MutationContext {
  const { request, body } = side.evidence;
  return {
    request,
    body,
    hash: (data) => sha256Hex(crypto, data),
    accessKeyId: side.accessKeyId ?? '',
    pathRule: side.pathRule,
  };
}

export function toFoundFinding(
  { mutation, detail }: { readonly mutation: Mutation; readonly detail?: string },
  proof: Finding['proof'],
): Finding {
  const { id, stage, culprit, rule, source, mend } = mutation;
  return { id, stage, culprit: detail === undefined ? culprit : `${culprit} (${detail})`, rule, source, mend, proof };
}

/** The texts that the signature is really of, beside those that it should be of; nothing where only the secret was another. */
export function showSigned(
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

/** @param signature hex, of which only the beginning may be known */
export function toSignatureOracle({ crypto, secret }: ExplainOptions, signature: string): Oracle {
  const cache = createSigningKeyCache();
  return (inputs) =>
    equalConstantTime(computeSignature(crypto, inputs, secret ?? '', cache).slice(0, signature.length), signature);
}
