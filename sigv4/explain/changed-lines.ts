/**
 * Header lines that both sides have, with other values. Where nothing else differs, each side's own value is what is said: a chain of
 * known changes may lead from one to the other too, but over values that stand in neither text, and proves nothing.
 */
import type { Finding } from './finding.ts';
import { withHeader } from './mutation.ts';
import { searchMutation, MUTATIONS } from './search.ts';
import { toFoundFinding, toContext, type ExplainOptions } from './prove.ts';
import type { Side } from './side.ts';
import { printCanonical, type SigningInputs } from './signing-inputs.ts';

export interface ChangedLine {
  readonly name: string;
  readonly signed: string;
  readonly arrived: string;
  /** Both values in words. */
  readonly detail: string;
}

/** A finding's place in the catalogue, where no known change gives just that value. */
const BY_NAME: Readonly<Record<string, string>> = {
  host: 'host-rewritten',
  'accept-encoding': 'accept-encoding-rewritten',
  'content-type': 'content-type-rewritten',
  'content-length': 'content-length-changed',
};

/** Empty where the two do not have the same headers, each once, in the same order. Host comes first: it has to be signed. */
export function findChangedLines(server: Side, client: Side): readonly ChangedLine[] {
  const [arrived, signed] = [server.used ?? server.correct, client.used ?? client.correct];
  if (arrived === null || signed === null || arrived.headers.length !== signed.headers.length) return [];
  if (arrived.headers.some(([name], index) => signed.headers[index]?.[0] !== name)) return [];
  if (new Set(arrived.headers.map(([name]) => name)).size !== arrived.headers.length) return [];
  const print = toPrinter(server, client);
  return arrived.headers
    .flatMap(([name, value], index) => {
      const other = signed.headers[index]?.[1] ?? '';
      return other === value ? [] : [{ name, arrived: value, signed: other, detail: print(name, other, value) }];
    })
    .sort((a, b) => Number(b.name === 'host') - Number(a.name === 'host'));
}

/** Which of the two is what arrived, as far as they tell. */
function toPrinter(server: Side, client: Side): (name: string, signed: string, arrived: string) => string {
  const isTold =
    (server.evidence.kind === 'error' && client.evidence.kind !== 'error') ||
    (server.evidence.canonicalRequest === null && client.evidence.canonicalRequest !== null);
  return (name, signed, arrived) => {
    if (name === 'x-amz-security-token') return `${name} is another on the other side`;
    return isTold
      ? `${name} was signed as ${JSON.stringify(signed)}, arrived as ${JSON.stringify(arrived)}`
      : `${name} is ${JSON.stringify(signed)} on the one side, ${JSON.stringify(arrived)} on the other`;
  };
}

/** What the one side's inputs are with the values of the other. */
export const withChanged = (inputs: SigningInputs, lines: readonly ChangedLine[]): SigningInputs =>
  lines.reduce((changed, { name, signed }) => withHeader(changed, name, signed), inputs);

/** One finding for each line; the first one names the others too. */
export function* nameChangedLines(
  server: Side,
  lines: readonly ChangedLine[],
  options: ExplainOptions,
): Generator<void, readonly Finding[]> {
  const base = server.used ?? server.correct;
  const findings: Finding[] = [];
  for (const [index, line] of lines.entries()) {
    const others = index > 0 ? [] : lines.slice(1).map(({ name }) => name);
    const detail = [line.detail, ...(others.length > 0 ? [`${others.join(', ')} changed too`] : [])].join('; ');
    const known = base === null ? null : yield* findKnown(server, base, line, options);
    const id = known ?? BY_NAME[line.name] ?? 'header-value-changed';
    const mutation = MUTATIONS.find((one) => one.id === id);
    if (mutation !== undefined) findings.push(toFoundFinding({ mutation, detail }, 'texts'));
  }
  return findings;
}

/** The known change that gives just that line's value, in one of both directions. */
function* findKnown(
  server: Side,
  base: SigningInputs,
  line: ChangedLine,
  options: ExplainOptions,
): Generator<void, string | null> {
  const changed = withChanged(base, [line]);
  for (const [from, into] of [
    [base, changed],
    [changed, base],
  ] as const) {
    const text = printCanonical(into);
    const found = yield* searchMutation(from, toContext(server, options), (inputs) => printCanonical(inputs) === text, {
      pairs: false,
    });
    if (found !== null) return found.mutations[0]?.mutation.id ?? null;
  }
  return null;
}
