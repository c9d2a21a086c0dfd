/** The function of a script that adds the headers of one kind of request, in the order in which they are signed. */
import { toSignedHeaders } from '../../../sigv4/signed-headers.ts';
import { quoteShell } from '../quote-shell.ts';
import { fromWire, type HeaderList } from '../request.ts';

const TOKEN = 'x-amz-security-token';

/** `addHash`: S3 wants the hash of the body as a header; other services hash the body themselves. */
export function buildHeaderFunction(name: string, headers: HeaderList, addHash: boolean): string {
  const values = new Map<string, string>();
  for (const [header, value] of headers) {
    const lower = header.toLowerCase();
    // Repeats are one list in HTTP and in a signature.
    const before = values.get(lower);
    values.set(lower, before === undefined ? collapse(value) : `${before},${collapse(value)}`);
  }
  const signed = toSignedHeaders([
    ...headers,
    ['x-amz-date', ''],
    [TOKEN, ''],
    ...(addHash ? [['x-amz-content-sha256', ''] as const] : []),
  ]);
  const lines = signed.map((header) => {
    if (header === 'x-amz-date') return '  add x-amz-date "$now"';
    if (header === 'x-amz-content-sha256') return '  add x-amz-content-sha256 "$hash"';
    if (header === TOKEN) return `  [ -z "$token" ] || add ${TOKEN} "$token"`;
    return `  add ${quoteShell(header)} ${quoteShell(fromWire(values.get(header) ?? ''))}`;
  });
  for (const [header, value] of values) {
    if (!signed.includes(header)) lines.push(`  carry ${quoteShell(header)} ${quoteShell(fromWire(value))}`);
  }
  // curl would say that a body is a form.
  if (!values.has('content-type')) lines.push(`  settings="\${settings}header = \\"Content-Type:\\"`, '"');
  return `${name}() {\n${lines.join('\n')}\n}\n`;
}

/** As the signature has it: what is sent is what is signed, to the space. */
const collapse = (value: string): string => value.trim().replace(/[ \t]+/g, ' ');
