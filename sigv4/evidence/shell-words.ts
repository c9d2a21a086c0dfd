/** Splits a command line into words as a POSIX shell does, without running or expanding anything. */

/** Null when a quote is left open. */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === '\\') {
      const next = line[at + 1] ?? '';
      // A backslash before the end of a line joins the two; Windows carries a CR along.
      if (next === '\r' && line[at + 2] === '\n') at += 2;
      else {
        if (next !== '\n') word = (word ?? '') + next;
        at += 1;
      }
    } else if (character === "'" || character === '"' || (character === '$' && line[at + 1] === "'")) {
      const quoted = readQuoted(line, at);
      if (quoted === null) return null;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };

function readQuoted(line: string, from: number): { text: string; end: number } | null {
  const isAnsi = line[from] === '$';
  const quote = isAnsi ? "'" : (line[from] ?? '');
  let text = '';
  for (let at = from + (isAnsi ? 2 : 1); at < line.length; at++) {
    const character = line[at] ?? '';
    if (character === quote) return { text, end: at };
    if (character === '\\' && (isAnsi || quote === '"')) {
      const next = line[at + 1] ?? '';
      if (isAnsi) text += ESCAPES[next] ?? `\\${next}`;
      else text += '\\"$`\n'.includes(next) ? next.replace('\n', '') : `\\${next}`;
      at += 1;
    } else {
      text += character;
    }
  }
  return null;
}
