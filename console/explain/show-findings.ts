/** The findings of an explanation as a list, and what would settle it. */
import type { Explanation, Finding } from '../../sigv4/explain/explain.ts';
import { element } from './dom.ts';

const PROOFS: Readonly<Record<Finding['proof'], string>> = {
  signature: 'proved: with it the signature holds',
  texts: "proved: it turns one side's text into the other's",
  seen: 'seen in the request',
};

export function showFindings({ findings, needs, notes }: Explanation): readonly HTMLElement[] {
  return [
    ...(findings.length === 0 ? [] : [element('ol', {}, ...findings.map(showFinding))]),
    ...showList('To settle it, one of these is needed', needs),
    ...showList('Noticed', notes),
  ];
}

function showFinding({ id, stage, culprit, rule, source, mend, proof }: Finding): HTMLElement {
  const rows: readonly (readonly [string, string])[] = [
    ['Mend', mend],
    ['Rule', rule],
    ['Stage', stage],
    ['Source', source],
    ['Proof', PROOFS[proof]],
  ];
  const list = rows.flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]);
  return element('li', { 'data-finding': id }, element('strong', {}, culprit), element('dl', {}, ...list));
}

const showList = (title: string, lines: readonly string[]): HTMLElement[] =>
  lines.length === 0
    ? []
    : [element('h3', {}, title), element('ul', {}, ...lines.map((line) => element('li', {}, line)))];
