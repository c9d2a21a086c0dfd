/** Two sides: the first byte where their texts part, and the mutation that turns one into the other. */
import { findChangedLines, nameChangedLines, withChanged } from './changed-lines.ts';
import { findDifference } from './difference.ts';
import { explainOne } from './explain-one.ts';
import { OTHER_SECRET, toFinding, toPlain, unknown, type Finding, type Result } from './finding.ts';
import { SOURCES } from './mutation.ts';
import { search, type ExplainOptions, type SearchHow } from './prove.ts';
import type { Oracle } from './search.ts';
import type { Side } from './side.ts';
import { printCanonical, printStringToSign, type SigningInputs } from './signing-inputs.ts';

export function* explainTwo([left, right]: readonly Side[], options: ExplainOptions): Generator<void, Result> {
  if (left === undefined || right === undefined) return unknown([]);
  const seen = [...left.faults, ...right.faults].map(toFinding);
  const isTold = [left, right].some(
    ({ evidence }) => evidence.error !== null && evidence.error.code !== 'SignatureDoesNotMatch',
  );
  if (left.canonicalText === null || right.canonicalText === null) {
    const one = yield* explainOne(left.canonicalText === null ? right : left, options);
    // What the server says by its code is the cause that it saw.
    return isTold && seen.length > 0
      ? { ...one, verdict: 'found', findings: merge(seen, one.findings) }
      : withSeen(one, seen);
  }
  const difference = findTextDifference(left, right);
  if (difference === null) return yield* explainSame(left, right, seen, options);
  // What the server made of it is right by definition, so the client's text is a mutation of the server's; or the other way round.
  const server = isServer(left, right) ? left : right;
  const client = server === left ? right : left;
  const found = yield* findTurn(server, client, options);
  const apart = found === null ? findRequestsApart(left, right) : null;
  if (apart !== null) return { verdict: 'found', findings: [apart], difference, needs: [] };
  // What spoiled the one side's request explains the difference better than the difference does.
  const spoiled = found === null ? seen.filter(({ id }) => SPOILED.has(id)) : [];
  return {
    verdict: 'found',
    findings: merge(
      [...spoiled, ...(found ?? (spoiled.length > 0 ? [] : [toPlain(difference, listLines(left, right))]))],
      seen,
    ),
    difference,
    needs: [],
  };
}

/** Left is the server's error document, or the request as it is beside what a client logged. */
function isServer({ evidence: left }: Side, { evidence: right }: Side): boolean {
  if (left.kind === 'error' || right.kind === 'error') return left.kind === 'error';
  return left.canonicalRequest === null && right.canonicalRequest !== null;
}

/** The names of all lines in which the canonical requests differ. */
function listLines(left: Side, right: Side): readonly string[] {
  const [a, b] = [left, right].map((side) => side.used ?? side.correct);
  if (a === undefined || a === null || b === undefined || b === null) return [];
  const named = (name: string, one: string, other: string): string[] => (one === other ? [] : [name]);
  const names = new Set([...a.headers, ...b.headers].map(([name]) => name));
  const valueIn = (inputs: SigningInputs, name: string): string =>
    inputs.headers
      .filter(([one]) => one === name)
      .map(([, value]) => value)
      .join(',');
  return [
    ...named('method', a.method, b.method),
    ...named('canonical URI', a.uri, b.uri),
    ...named('canonical query', a.query, b.query),
    ...[...names].flatMap((name) => named(`canonical headers, ${name}`, valueIn(a, name), valueIn(b, name))),
    ...named('signed headers', a.signedHeaders, b.signedHeaders),
    ...named('payload hash', a.payloadHash, b.payloadHash),
  ];
}

/** Other times, other paths and no signature in common: nothing changed the one into the other. */
function findRequestsApart(left: Side, right: Side): Finding | null {
  const [a, b] = [left.used ?? left.correct, right.used ?? right.correct];
  if (a === null || b === null || a.uri === b.uri) return null;
  if (left.signature !== null && left.signature === right.signature) return null;
  const [timeA, timeB] = [timeOf(a), timeOf(b)];
  if (timeA === '' || timeB === '' || timeA === timeB) return null;
  return {
    id: 'requests-apart',
    stage: 'request',
    culprit: `these are not the same request: ${a.method} ${a.uri} signed at ${timeA}, and ${b.method} ${b.uri} signed at ${timeB}`,
    rule: 'a comparison needs the two sides of one request: the same x-amz-date and the same signature',
    source: SOURCES.canonicalRequest,
    mend: "find the client's log and the server's answer of one request: the same x-amz-date stands in both; every retry has its own. Where they are of one, something between the two signs anew: then give each of its sides alone",
    proof: 'seen',
  };
}

const timeOf = (inputs: SigningInputs): string =>
  inputs.headers.find(([name]) => name === 'x-amz-date')?.[1] ?? inputs.amzDate;

const SPOILED: ReadonlySet<string> = new Set([
  ...['ampersands-escaped', 'url-through-printf', 'url-encoded-twice', 'url-lower-cased', 'presigned-incomplete'],
]);

function findTextDifference(left: Side, right: Side): Result['difference'] {
  const canonical = findDifference('canonical request', left.canonicalText ?? '', right.canonicalText ?? '');
  if (canonical !== null || left.toSignText === null || right.toSignText === null) return canonical;
  return findDifference('string to sign', left.toSignText, right.toSignText);
}

/** One known change, either way; or the header lines that alone differ; or two changes. */
function* findTurn(server: Side, client: Side, options: ExplainOptions): Generator<void, Result['findings'] | null> {
  const lines = findOnlyLines(server, client, options);
  const [line, ...more] = lines;
  const single = { pairs: false, ...(line !== undefined && more.length === 0 && { detail: line.detail }) };
  const one = (yield* turn(server, client, options, single)) ?? (yield* turn(client, server, options, single));
  if (one !== null) return one;
  if (lines.length > 0) return yield* nameChangedLines(server, lines, options);
  return (yield* turn(server, client, options)) ?? (yield* turn(client, server, options));
}

/** The header lines that differ, where the texts are the same with their values; empty where more differs. */
function findOnlyLines(server: Side, client: Side, { crypto }: ExplainOptions): ReturnType<typeof findChangedLines> {
  const lines = findChangedLines(server, client);
  const base = server.used ?? server.correct;
  if (base === null || lines.length === 0) return [];
  const turned = withChanged(base, lines);
  const isSame =
    printCanonical(turned) === client.canonicalText &&
    (client.toSignText === null || printStringToSign(crypto, turned) === client.toSignText);
  return isSame ? lines : [];
}

/** What turns the texts of one side into those of the other. */
function* turn(
  from: Side,
  into: Side,
  options: ExplainOptions,
  how: Omit<SearchHow, 'proof'> = {},
): Generator<void, Result['findings'] | null> {
  const base = from.used ?? from.correct;
  if (base === null) return null;
  const toSign = (inputs: SigningInputs): boolean =>
    into.toSignText === null || printStringToSign(options.crypto, inputs) === into.toSignText;
  // The same canonical request on both sides, and a string to sign that is not of it: what was hashed is not what was logged.
  const isSameRequest = from.canonicalText === into.canonicalText;
  const isSame: Oracle = (inputs) => (isSameRequest || printCanonical(inputs) === into.canonicalText) && toSign(inputs);
  if (isSame(base)) return null;
  return (yield* search(from, base, isSame, options, { proof: 'texts', ...how }))?.findings ?? null;
}

function* explainSame(
  left: Side,
  right: Side,
  seen: Result['findings'],
  options: ExplainOptions,
): Generator<void, Result> {
  const results = [yield* explainOne(left, options), yield* explainOne(right, options)];
  const one =
    results.find(({ verdict }) => verdict === 'found') ??
    (left.signature === null ? results[1] : results[0]) ??
    unknown([]);
  if (one.verdict === 'found') return { ...one, findings: merge(one.findings, seen) };
  if (seen.length > 0) return { verdict: 'found', findings: seen, difference: null, needs: [] };
  const isRefused = [left, right].some(({ evidence }) => evidence.error?.code === 'SignatureDoesNotMatch');
  const bothSay = left.evidence.canonicalRequest !== null && right.evidence.canonicalRequest !== null;
  // Both sides say what they used, and it is the same; or the secret that is at hand signs it, and the server refuses it.
  if (isRefused && (bothSay || one.verdict === 'holds'))
    return { verdict: 'found', findings: [OTHER_SECRET], difference: null, needs: [] };
  if (one.verdict === 'holds') return one;
  return unknown(
    options.secret === null
      ? [
          'the secret access key: the request arrived as it was sent, so that either it was signed with another secret than the server has, or the client signed other texts than these',
          "the client's debug log with its canonical request, as the other side",
        ]
      : [
          'the secret that the server has for this access key: with the one given, neither this request nor any known way to sign it wrongly has this signature',
        ],
  );
}

const withSeen = (one: Result, seen: Result['findings']): Result =>
  seen.length === 0 ? one : { ...one, verdict: 'found', findings: merge(one.findings, seen) };

/** Each cause once. */
function merge(first: Result['findings'], second: Result['findings']): Result['findings'] {
  const known = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !known.has(id))];
}
