/** The machine agrees with a backtracking matcher of ten lines, on small alphabets where patterns and keys often meet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob } from '../../core/glob.ts';

type Part =
  { kind: 'text'; text: string } | { kind: 'question' | 'star' | 'stars' } | { kind: 'either'; options: Part[][] };

const { parts } = fc.letrec<{ parts: Part[]; part: Part }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'b', 'x').map((text): Part => ({ kind: 'text', text })),
    fc.constantFrom('question', 'star', 'stars').map((kind): Part => ({ kind })),
    fc.array(tie('parts'), { minLength: 1, maxLength: 3 }).map((options): Part => ({ kind: 'either', options })),
  ),
  parts: fc.array(tie('part'), { maxLength: 4 }),
}));

const isStar = (part: Part | undefined): boolean => part?.kind === 'star' || part?.kind === 'stars';

/** Stars that follow a star stand in braces, or the two would be read as one. */
const printParts = (all: readonly Part[]): string =>
  all
    .map((part, index) => (isStar(part) && isStar(all[index - 1]) ? `{${printPart(part)}}` : printPart(part)))
    .join('');

function printPart(part: Part): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'question':
      return '?';
    case 'star':
      return '*';
    case 'stars':
      return '**';
    case 'either':
      return `{${part.options.map(printParts).join(',')}}`;
  }
}

/** Every place where the rest of the text may begin once these parts have matched. */
function ends(parts: readonly Part[], text: string, from: number): Set<number> {
  let at = new Set([from]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const place of at) for (const end of endsOfPart(part, text, place)) next.add(end);
    at = next;
  }
  return at;
}

function endsOfPart(part: Part, text: string, from: number): Iterable<number> {
  if (part.kind === 'either') return part.options.flatMap((option) => [...ends(option, text, from)]);
  if (part.kind === 'text') return text.startsWith(part.text, from) ? [from + 1] : [];
  const found: number[] = part.kind === 'question' ? [] : [from];
  for (let at = from; at < text.length && (part.kind === 'stars' || text[at] !== '/'); at++) {
    found.push(at + 1);
    if (part.kind === 'question') break;
  }
  return found;
}

test('any pattern matches exactly what a matcher that tries everything finds', () => {
  const key = fc.array(fc.constantFrom('a', 'b', 'x', '/'), { maxLength: 8 }).map((characters) => characters.join(''));
  const segments = fc.array(parts, { minLength: 1, maxLength: 3 });
  let agreed = 0;
  fc.assert(
    fc.property(segments, key, fc.boolean(), (all, text, anchored) => {
      const body = all.map(printParts).join('/');
      // Left to the examples: what may not be written, and the two forms with a meaning of their own.
      fc.pre(!/\*\*\*|\{\{|\/$|^\/|(^|\/)\*\*\//.test(body) && body !== '');
      const flat = all.flatMap((each, index): Part[] => (index === 0 ? each : [{ kind: 'text', text: '/' }, ...each]));
      const starts = anchored ? [0] : [0, ...[...text].flatMap((c, index) => (c === '/' ? [index + 1] : []))];
      const expected = starts.some((start) => ends(flat, text, start).has(text.length));
      assert.equal(compileGlob(anchored ? `/${body}` : body)(text), expected, `${body} on ${text}`);
      agreed += Number(expected);
    }),
    { numRuns: 2000 },
  );
  assert.ok(agreed > 20, 'some of the patterns matched');
});
