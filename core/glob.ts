/**
 * Globs over keys, for people who know rclone's filters:
 *
 *   *          any characters but '/'                ?          one character but '/'
 *   **         any characters                        [abc] [a-z] [!a-z] [^a-z]   one character of, or not of, a set; never '/'
 *   {a,b}      either; may nest and hold globs       \x         x itself
 *   /…         at the start of a pattern: the whole key must match; without it, the key's end from any '/' on, so `*.csv` matches
 *              `a.csv` and `2026/a.csv`, and `tmp/**` everything below any `tmp`
 *   …/         at the end of a pattern: everything below, like `…/**`
 *
 * Characters are code points, and case matters. Two things differ from rclone: a segment `**` also stands for no segment, so that
 * `a`, `**` and `b` joined by '/' match `a/b`; and its regular expressions in `{{ }}` are refused, since they cannot be bounded.
 *
 * A key costs at most its length times the pattern's length, whatever the two are: nothing is ever tried twice, which is how regular
 * expressions come to take forever (see glob-machine.ts).
 */
import { GlobMachine } from './glob-machine.ts';
import { parseGlob } from './glob-parser.ts';

/** @throws invalid_config naming the pattern */
export function compileGlob(pattern: string): (text: string) => boolean {
  const anchored = pattern.startsWith('/');
  const machine = new GlobMachine(parseGlob(anchored ? pattern.slice(1) || '**' : pattern), anchored);
  return (text) => machine.matches(text);
}
