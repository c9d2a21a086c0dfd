/** One side of an explanation: what was read of it, what a correct signer makes of it, and what it says that it used. */
import { sha256Hex } from '../hex.ts';
import { ALGORITHM } from '../string-to-sign.ts';
import type { Crypto, PathRule, WireRequest } from '../types.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { checkEndpoint } from './check-endpoint.ts';
import { readClaim, type Fault } from './read-claim.ts';
import { readRefusal } from './read-refusal.ts';
import { repairRequest } from './repair-request.ts';
import { readSignatureForm } from './signature-form.ts';
import type { ExplainedSide } from './finding.ts';
import {
  headerOf,
  parseCanonical,
  parseStringToSign,
  printCanonical,
  printInputScope,
  printStringToSign,
  toSigningInputs,
  type SignedClaim,
  type SigningInputs,
} from './signing-inputs.ts';

export interface Side {
  readonly evidence: Evidence;
  readonly faults: readonly Fault[];
  /** Signed headers that did not arrive; of weight only where the signature does not hold. */
  readonly missing: readonly Fault[];
  /** What a correct signer makes of the request. */
  readonly correct: SigningInputs | null;
  /** What this side says that it used; null too when its text has not the lines of one. */
  readonly used: SigningInputs | null;
  /** As this side wrote it, or as a correct signer would; null when neither is known. */
  readonly canonicalText: string | null;
  readonly toSignText: string | null;
  /** Hex in lower case, as far as it goes. */
  readonly signature: string | null;
  readonly accessKeyId: string | null;
  readonly pathRule: PathRule;
}

export function readSide(evidence: Evidence, crypto: Crypto): Side {
  const repaired = evidence.request === null ? null : repairRequest(evidence.request);
  const request = repaired?.request ?? null;
  const { claim, faults } = request === null ? { claim: null, faults: [] } : readClaim(request);
  const said = evidence.stringToSign === null ? null : parseStringToSign(evidence.stringToSign);
  const rest = said ?? (claim === null ? null : { algorithm: ALGORITHM, amzDate: claim.amzDate, scope: claim.scope });
  const fallback = {
    algorithm: ALGORITHM,
    amzDate: '',
    scope: { date: '', region: '', service: 's3', terminator: 'aws4_request' },
  };
  const used = evidence.canonicalRequest === null ? null : parseCanonical(evidence.canonicalRequest, rest ?? fallback);
  const pathRule = toPathRule(claim?.scope.service ?? said?.scope.service ?? 's3');
  const correct =
    request === null || claim === null
      ? null
      : toSigningInputs(
          request,
          claim,
          pathRule,
          toPayloadHash({ ...evidence, request }, claim.form, claim.scope.service, crypto),
        );
  const form = readSignatureForm(evidence.signature ?? claim?.signature ?? null);
  const inputs = used ?? correct;
  return {
    evidence: { ...evidence, request },
    faults: [
      ...(repaired?.faults ?? []),
      ...readRefusal(evidence),
      ...(form.fault === null ? [] : [form.fault]),
      ...checkScope(request, claim, used),
      ...(evidence.isSignedLater === true ? faults.map(toSignedLater) : faults),
    ],
    missing: request === null || claim === null ? [] : findMissing(evidence.kind, request, claim),
    correct,
    used,
    canonicalText: evidence.canonicalRequest ?? (correct === null ? null : printCanonical(correct)),
    toSignText: evidence.stringToSign ?? (inputs === null ? null : printStringToSign(crypto, inputs)),
    signature: form.hex,
    accessKeyId: evidence.accessKeyId ?? claim?.accessKeyId ?? null,
    pathRule,
  };
}

export function toExplainedSide({
  evidence,
  correct,
  used,
  accessKeyId,
  canonicalText,
  toSignText,
}: Side): ExplainedSide {
  const inputs = used ?? correct;
  return {
    label: evidence.label,
    canonicalRequest: canonicalText,
    stringToSign: toSignText,
    accessKeyId,
    scope: inputs === null ? null : printInputScope(inputs),
  };
}

function checkScope(
  request: WireRequest | null,
  claim: SignedClaim | null,
  used: SigningInputs | null,
): readonly Fault[] {
  if (request !== null && claim !== null) return checkEndpoint(headerOf(request, 'host'), claim.scope);
  const host = used?.headers.find(([name]) => name === 'host')?.[1];
  return used === null || host === undefined || used.scope.date === '' ? [] : checkEndpoint(host, used.scope);
}

const toSignedLater = (fault: Fault): Fault =>
  fault.id !== 'not-signed'
    ? fault
    : {
        id: 'signed-by-curl',
        what: 'curl signs this request itself when it runs, so that no signature is in the command yet',
        rule: 'curl signs the path, query and headers as it sends them; older versions leave the query unsorted and unencoded',
        mend: 'run it with -v and explain what it prints; write the query sorted and percent-encoded, and x-amz-content-sha256 with -H',
      };

/** What clients set after they were asked for a command, an entry or a log of the request. */
const SET_LATE: ReadonlySet<string> = new Set([
  ...[
    'host',
    'content-length',
    'connection',
    'accept-encoding',
    'user-agent',
    'transfer-encoding',
    'expect',
    'accept',
    'te',
  ],
]);

function findMissing(kind: Evidence['kind'], request: WireRequest, claim: SignedClaim): readonly Fault[] {
  const arrived = new Set(request.headers.map(([name]) => name.toLowerCase()));
  return [...new Set(claim.signedHeaders.toLowerCase().split(';'))]
    .filter((name) => name !== '' && !arrived.has(name) && (kind === 'http' || !SET_LATE.has(name)))
    .map((name) => ({
      id: 'signed-header-missing',
      stage: 'canonical headers',
      what: `${name} is signed and did not arrive`,
      rule: 'every signed header must arrive with the value that was signed',
      mend: `send ${name} as it was signed, or let the proxy that drops it keep it`,
    }));
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
