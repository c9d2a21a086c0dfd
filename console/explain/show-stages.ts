/** The stages of one side or of two, line beside line, with the first character that differs marked in both. */
import { nameLine, showInvisible, type Difference } from '../../sigv4/explain/difference.ts';
import type { ExplainedSide, Explanation } from '../../sigv4/explain/explain.ts';
import { element } from './dom.ts';

export function showStages({ sides, difference }: Explanation): readonly HTMLElement[] {
  const shown = sides.slice(0, 2);
  const legend = shown.map(({ label }, index) =>
    element('li', {}, `${shown.length > 1 ? `${letter(index)}: ` : ''}${label}`),
  );
  return [
    element('ul', {}, ...legend),
    ...showText('canonical request', shown, ({ canonicalRequest }) => canonicalRequest, difference),
    ...showText('string to sign', shown, ({ stringToSign }) => stringToSign, difference),
    ...(shown.length < 2 && difference !== null ? [element('h3', {}, 'First difference'), showBytes(difference)] : []),
  ];
}

function showText(
  name: string,
  sides: readonly ExplainedSide[],
  textOf: (side: ExplainedSide) => string | null,
  difference: Difference | null,
): HTMLElement[] {
  const texts = sides.map(textOf);
  const lines = texts.map((text) => text?.split('\n') ?? []);
  const longest = lines.reduce((one, other) => (other.length > one.length ? other : one), []);
  if (longest.length === 0) return [element('h3', {}, name), element('p', { class: 'hint' }, 'not known')];
  // The two sides that are shown are those that were compared, or the difference has its own place below.
  const at = difference !== null && difference.text === name && sides.length > 1 ? difference.lineNumber - 1 : -1;
  const rows = longest.map((_, index) => {
    const isFirst = index === at;
    const cells = lines.map((side, which) => {
      const other = lines[1 - which]?.[index];
      return element(
        'pre',
        { 'aria-label': `${sides.length > 1 ? `${letter(which)}, ` : ''}${nameLine(name, longest, index + 1)}` },
        ...(isFirst
          ? markFirst(side[index], other)
          : [side[index] === undefined ? '(no such line)' : showInvisible(side[index])]),
      );
    });
    return element(
      'div',
      { class: isFirst ? 'stage first-difference' : 'stage' },
      element('h4', {}, `${nameLine(name, longest, index + 1)}${isFirst ? ': first difference' : ''}`),
      element('div', { class: sides.length > 1 ? 'sides two' : 'sides' }, ...cells),
      ...(isFirst && difference !== null ? [showBytes(difference)] : []),
    );
  });
  return [element('h3', {}, name), ...rows];
}

/** The line up to where it parts from the other, the character there marked, and the rest. */
function markFirst(line: string | undefined, other: string | undefined): (Node | string)[] {
  if (line === undefined) return [element('mark', {}, '(no such line)')];
  const [mine, theirs] = [[...line], [...(other ?? '')]];
  let at = 0;
  while (at < mine.length && at < theirs.length && mine[at] === theirs[at]) at += 1;
  const character = mine[at];
  return [
    showInvisible(mine.slice(0, at).join('')),
    element('mark', {}, character === undefined ? '(end of line)' : writeOut(character)),
    showInvisible(mine.slice(at + 1).join('')),
  ];
}

/** A blank that differs is not seen in a line, so it is named like the characters that never are. */
const writeOut = (character: string): string => (character === ' ' ? '<U+0020>' : showInvisible(character));

const showBytes = (difference: Difference): HTMLElement =>
  element(
    'pre',
    { class: 'bytes', 'aria-label': 'bytes around the first difference' },
    `${difference.text}, byte ${String(difference.offsetBytes)}\nA ${difference.leftBytes}\nB ${difference.rightBytes}`,
  );

const letter = (index: number): string => 'AB'[index] ?? '';
