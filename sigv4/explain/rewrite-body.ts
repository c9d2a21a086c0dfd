/** What tools make of a body between hashing and sending: each gives the texts that it may have been before, with what was done. */

export type Rewrite = readonly [detail: string, body: string | Uint8Array];

/** Line ends, a final newline, a byte order mark. */
export function* undoLineEnds(text: string): Generator<Rewrite> {
  yield ['a newline at its end was lost', `${text}\n`];
  yield ['CR and LF at its end were lost', `${text}\r\n`];
  yield ['a newline was added at its end', text.replace(/\r?\n$/, '')];
  yield ['its newlines were signed stripped', text.replace(/\r?\n/g, '')];
  // Where lines are indented, the blanks tell where they began.
  const lines = text.replace(/ {2,}/g, (indent) => `\n${indent}`);
  for (const end of ['', '\n']) {
    for (const one of [lines, lines.replace(/([}\]])$/, '\n$1'), lines.replace(/(<\/[^<>]*>)$/, '\n$1')])
      yield ['its newlines were stripped, as curl -d does', one + end];
  }
  yield ['CRLF became LF', text.replace(/\r?\n/g, '\r\n')];
  yield ['LF became CRLF', text.replace(/\r\n/g, '\n')];
  yield ['a byte order mark was lost', `\ufeff${text}`];
  yield ['a byte order mark was added', text.replace(/^\ufeff/, '')];
}

/** JSON, XML and forms that were read and written again, and bodies that were encoded. */
export function* undoFormatting(text: string): Generator<Rewrite> {
  yield* undoJson(text);
  yield* undoXml(text);
  yield* undoForm(text);
  yield ['white space around it was added', text.trim()];
  yield ['single quotes stand where double quotes stood', text.replaceAll("'", '"')];
  yield ['quotes were escaped', text.replaceAll('\\"', '"')];
  const decoded = fromBase64(text.trim());
  if (decoded !== null) yield ['it was encoded in base64', decoded];
  yield ['it was sent decoded and signed in base64', toBase64(text)];
}

function* undoJson(text: string): Generator<Rewrite> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return;
  }
  const orders: readonly (readonly [string, unknown])[] = [
    ['', value],
    [', its names in another order', sortNames(value, 1)],
    [', its names in another order', sortNames(value, -1)],
  ];
  for (const [order, one] of orders) {
    const detail = `the JSON was written anew${order}`;
    const short = JSON.stringify(one);
    const spaced = short.replace(/":/g, '": ').replace(/,"/g, ', "');
    for (const indent of [2, 4, '\t', 1, 3]) {
      yield [detail, JSON.stringify(one, null, indent)];
      yield [detail, `${JSON.stringify(one, null, indent)}\n`];
    }
    for (const form of [short, spaced]) {
      yield [detail, form];
      yield [detail, `${form}\n`];
      yield [`${detail}, with \\u escapes`, escapeNonAscii(form)];
    }
    yield [`${detail}, with escaped slashes`, short.replaceAll('/', '\\/')];
  }
}

function* undoXml(text: string): Generator<Rewrite> {
  if (!text.trimStart().startsWith('<')) return;
  const detail = 'the XML was written anew';
  const bare = text.replace(/^<\?xml[^>]*\?>\s*/, '');
  yield [detail, text.replace(/>\s+</g, '><')];
  yield [`${detail}, with a declaration`, bare];
  yield [`${detail}, without its declaration`, `<?xml version="1.0" encoding="UTF-8"?>\n${bare}`];
  yield [`${detail}, without its declaration`, `<?xml version="1.0" encoding="UTF-8"?>${bare}`];
}

function* undoForm(text: string): Generator<Rewrite> {
  if (!/^[^\s&=<>{}]+=[^\s&<>{}]*(?:&[^\s&=<>{}]+=[^\s&<>{}]*)*$/.test(text)) return;
  const pairs = text.split('&');
  const detail = 'the parameters of the form were written in another order';
  yield [detail, [...pairs].reverse().join('&')];
  yield [detail, [...pairs].sort().join('&')];
  const action = pairs.filter((pair) => pair.startsWith('Action='));
  const version = pairs.filter((pair) => pair.startsWith('Version='));
  const rest = pairs.filter((pair) => !action.includes(pair) && !version.includes(pair));
  yield [detail, [...action, ...version, ...rest].join('&')];
  yield [detail, [...action, ...rest, ...version].join('&')];
  yield ['blanks of the form were sent as + and signed as %20', text.replaceAll('+', '%20')];
  yield ['blanks of the form were sent as %20 and signed as +', text.replaceAll('%20', '+')];
}

function sortNames(value: unknown, direction: 1 | -1): unknown {
  if (Array.isArray(value)) return value.map((one) => sortNames(one, direction));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -direction : direction));
  return Object.fromEntries(entries.map(([name, one]) => [name, sortNames(one, direction)]));
}

const escapeNonAscii = (text: string): string =>
  text.replace(/[\u0080-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

function fromBase64(text: string): Uint8Array | null {
  if (text.length < 4 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

function toBase64(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
