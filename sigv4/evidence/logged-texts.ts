/**
 * The canonical request and the string to sign in a client's log. Each client marks where they begin and end; what stands between
 * the marks is taken as it is, however wrong, since that is what was signed. Without marks they are known by their shape.
 */

export interface LoggedTexts {
  readonly canonicalRequest: string | null;
  readonly stringToSign: string | null;
}

/** A line that begins the next record of a log, or closes the text. */
const NEXT =
  /^(?:\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d\S* +\S|\[?[A-Z]{4,7}[:\]] |DEBUG:|INFO:|-{5,}|={5,}|\}|['"]\s*$)/;
/** More lines than any canonical request has. */
const LINES_MAX = 300;

const CANONICAL_MARK = /(?:CanonicalRequest|Canonical Request|CANONICAL STRING|canonical request)\b[^\n]*$/;
const TO_SIGN_MARK = /(?:StringToSign|String[ -]to[ -]Sign|STRING TO SIGN|string to sign)\b[^\n]*$/i;

const CANONICAL_SHAPE =
  /(?<![A-Za-z])(GET|HEAD|PUT|POST|DELETE|PATCH|OPTIONS)\n[^\n]{0,16384}\n[^\n]{0,16384}\n(?:[A-Za-z0-9-]+:[^\n]*\n){1,100}\n?[A-Za-z0-9-]+(?:;[A-Za-z0-9-]+)*\n(?:[0-9a-fA-F]{64}|UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]+)/i;
const TO_SIGN_SHAPE = /AWS4-HMAC-SHA256\n(?:\d{8}T\d{6}Z)\n\d{8}\/[^\n/]*\/[^\n/]*\/[^\n/]+\n[0-9a-f]{64}/;

/** @param text with LF between its lines */
export function findLoggedTexts(text: string): LoggedTexts {
  const lines = text.split('\n');
  // botocore's records follow each other at once, so a blank line at the end of a text is its own; elsewhere it may be the log's.
  const isExact = /- botocore\.auth - DEBUG - /.test(text);
  const choose = (shape: RegExp, mark: RegExp, isIt: (found: readonly string[]) => boolean): string | null => {
    const marked = findMarked(lines, mark, isIt);
    return isExact && marked !== null ? marked : (shape.exec(text)?.[0] ?? marked);
  };
  return {
    canonicalRequest: choose(CANONICAL_SHAPE, CANONICAL_MARK, isCanonical),
    stringToSign: choose(TO_SIGN_SHAPE, TO_SIGN_MARK, isToSign),
  };
}

const isCanonical = (found: readonly string[]): boolean =>
  found.length >= 4 && /^[A-Za-z]{3,7}$/.test(found[0] ?? '') && /^(?:\/|[^\s]*)/.test(found[1] ?? '');

const isToSign = (found: readonly string[]): boolean =>
  found.length >= 2 && found.length < LINES_MAX && found.some((line) => /\d{8}/.test(line));

function findMarked(
  lines: readonly string[],
  mark: RegExp,
  isIt: (found: readonly string[]) => boolean,
): string | null {
  for (const [at, line] of lines.entries()) {
    if (line.length > 512 || !mark.test(line)) continue;
    const inline = /(?:Request|String|Sign)\b['"]?\s*[:=]\s*['"]?((?:[A-Za-z]{3,7}|AWS4-HMAC-SHA256))$/.exec(line)?.[1];
    const found = inline === undefined ? [] : [inline];
    for (const next of lines.slice(at + 1, at + 1 + LINES_MAX)) {
      if (NEXT.test(next) || mark.test(next)) break;
      found.push(next);
    }
    // The newline at the end of a file is the file's.
    if (found.at(-1) === '' && at + found.length + (inline === undefined ? 1 : 0) === lines.length) found.pop();
    if (isIt(found)) return found.join('\n');
  }
  return null;
}
