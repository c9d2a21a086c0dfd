/** An explanation as text: the verdict first, then the first byte that differs, then the stages. */
import { showInvisible } from './difference.ts';
import type { ExplainedSide, Explanation, Finding } from './explain.ts';

export function printExplanation(explanation: Explanation): string {
  const { findings, difference, sides, needs, notes } = explanation;
  const blocks: string[] = [printVerdict(explanation)];
  findings.forEach((finding, index) => blocks.push(printFinding(finding, index + 1)));
  if (difference !== null) {
    blocks.push(
      [
        `First difference: ${difference.text}, line ${String(difference.lineNumber)} (${difference.line}), byte ${String(difference.offsetBytes)}`,
        `  A  ${difference.left}`,
        `  B  ${difference.right}`,
        `     ${' '.repeat(Math.min(difference.columnBytes, 200))}^`,
        `  A  ${difference.leftBytes}`,
        `  B  ${difference.rightBytes}`,
      ].join('\n'),
    );
  }
  sides.forEach((side, index) => blocks.push(printSide(side, sides.length > 1 ? `${'AB'[index] ?? ''} ` : '')));
  if (needs.length > 0)
    blocks.push(['To settle it, one of these is needed:', ...needs.map((need) => `  - ${need}`)].join('\n'));
  if (notes.length > 0) blocks.push(['Noticed:', ...notes.map((note) => `  - ${note}`)].join('\n'));
  return `${blocks.join('\n\n')}\n`;
}

/** What is not seen in the request. */
const SEEN_IN: Readonly<Record<string, string>> = {
  'secret-given-flawed': 'the secret',
  'refused-though-signed': 'the answer',
  'not-answered': 'the log',
};

/** One sentence. */
export function printVerdict({ verdict, findings, notes }: Explanation): string {
  if (verdict === 'holds') {
    const late = notes.find((note) => note.startsWith('it was signed at '));
    return `The signature holds: this request is signed as it should be${late === undefined ? '' : `, but ${late}`}.`;
  }
  if (verdict === 'unknown') return 'The cause was not found.';
  const [first] = findings;
  const how =
    first?.proof === 'signature'
      ? 'proved: with it the signature holds'
      : first?.proof === 'texts'
        ? 'proved by the two texts'
        : `seen in ${SEEN_IN[first?.id ?? ''] ?? 'the request'}`;
  return `${capitalise(first?.culprit ?? '')} (${how}).`;
}

function printFinding(finding: Finding, number: number): string {
  return [
    `${String(number)}. ${finding.culprit} [${finding.id}]`,
    `   stage   ${finding.stage}`,
    `   rule    ${finding.rule}`,
    `   source  ${finding.source}`,
    `   mend    ${finding.mend}`,
  ].join('\n');
}

function printSide({ label, canonicalRequest, stringToSign }: ExplainedSide, name: string): string {
  const print = (text: string | null): string =>
    text === null
      ? '  (not known)'
      : text
          .split('\n')
          .map((line) => `  | ${showInvisible(line)}`)
          .join('\n');
  return [`${name}${label}`, 'canonical request', print(canonicalRequest), 'string to sign', print(stringToSign)].join(
    '\n',
  );
}

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
