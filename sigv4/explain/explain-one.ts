/** One side: the signature is proved against the secret, or what it says against what a correct signer would. */
import { sha256Hex } from '../hex.ts';
import { deriveSigningKey } from '../signing-key.ts';
import { checkChunks } from './check-chunks.ts';
import { checkPayload } from './check-payload.ts';
import { findDifference } from './difference.ts';
import { toFinding, toPlain, unknown, type Result } from './finding.ts';
import { search, showSigned, toSignatureOracle, type ExplainOptions } from './prove.ts';
import type { Side } from './side.ts';
import type { ChunkKey } from './prove-chunks.ts';
import { printCanonical, type SigningInputs } from './signing-inputs.ts';

export function* explainOne(side: Side | undefined, options: ExplainOptions): Generator<void, Result> {
  if (side === undefined)
    return unknown(['a request, as a dump, a curl command, a URL, a HAR entry, a log or an error document']);
  const { correct, used, signature, faults, canonicalText } = side;
  const payload = checkPayload(side.evidence, (data) => sha256Hex(options.crypto, data));
  const seen = [...faults.map(toFinding), ...(payload === null ? [] : [payload]), ...checkChunks(side.evidence, null)];
  if (correct !== null && signature !== null && options.secret !== null) {
    const holds = toSignatureOracle(options, signature);
    if (holds(correct)) {
      const chunks = checkChunks(side.evidence, toChunkKey(correct, signature, options));
      const all = [...faults.map(toFinding), ...(payload === null ? [] : [payload]), ...chunks];
      return { verdict: all.length === 0 ? 'holds' : 'found', findings: all, difference: null, needs: [] };
    }
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
  if (correct !== null && canonicalText !== null && printCanonical(correct) !== canonicalText) {
    const found = yield* search(side, correct, (inputs) => printCanonical(inputs) === canonicalText, options, 'texts');
    const difference = findDifference('canonical request', printCanonical(correct), canonicalText);
    const findings = found === null ? [...seen, toPlain(difference)] : [...found.findings, ...seen];
    return { verdict: 'found', findings, difference, needs: [] };
  }
  if (used !== null && options.secret !== null && signature !== null) {
    const holds = toSignatureOracle(options, signature);
    if (holds(used))
      return { verdict: seen.length === 0 ? 'holds' : 'found', findings: seen, difference: null, needs: [] };
    const found = yield* search(side, used, holds, options, 'signature');
    if (found !== null)
      return {
        verdict: 'found',
        findings: [...found.findings, ...seen],
        ...showSigned(used, found.inputs, options.crypto),
        needs: [],
      };
  }
  const missing = side.missing.map(toFinding);
  if (seen.length + missing.length > 0)
    return { verdict: 'found', findings: [...seen, ...missing], difference: null, needs: [] };
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

/** What the chain of chunks starts from; null where the signature was cut short. */
function toChunkKey(
  { scope, amzDate }: SigningInputs,
  signature: string,
  { crypto, secret }: ExplainOptions,
): ChunkKey | null {
  if (secret === null || signature.length !== 64) return null;
  return { crypto, signingKey: deriveSigningKey(crypto, secret, scope), scope, amzDate, seedSignature: signature };
}
