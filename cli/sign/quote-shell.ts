/** Words for a POSIX shell. */

/**
 * One word, whatever the text holds: inside single quotes nothing is special but the single quote itself, not even a newline.
 * Words that need no quotes stay plain.
 */
export function quoteShell(text: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(text) && !text.startsWith('=') ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Tags a template of shell text. Backslashes stay as they are written; `$\{name}` is the shell's own expansion; `${value}` is put in
 * as one quoted word.
 */
export function shell(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return strings.raw
    .map(
      (text, index) => text.replaceAll('$\\{', '${') + (index < values.length ? quoteShell(values[index] ?? '') : ''),
    )
    .join('');
}
