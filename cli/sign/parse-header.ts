/** Headers as `-H` takes them: `Name: value`. What a signature or the transport brings by itself cannot be given. */
import { misuse, toWire } from './request.ts';

// A field's name. Source: RFC 9110, section 5.1.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

const BROUGHT: ReadonlyMap<string, string> = new Map([
  ['authorization', 'is what this command makes'],
  ['x-amz-date', 'is the time of the signature: see --at'],
  ['x-amz-security-token', 'comes from AWS_SESSION_TOKEN'],
  ['x-amz-content-sha256', 'is the hash of the body: see --data, --data-file and --unsigned-payload'],
  ['content-length', 'is what the client sets'],
  ['transfer-encoding', 'is what the client sets'],
  ['connection', 'is what the client sets'],
]);

/** Name and value, the value as bytes. @throws invalid_request, without the value */
export function parseHeader(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(':');
  const name = text.slice(0, Math.max(colon, 0)).trim();
  if (!TOKEN.test(name)) throw misuse('a header is given as "Name: value", with a name of letters, digits and dashes');
  const reason = BROUGHT.get(name.toLowerCase());
  if (reason !== undefined) throw misuse(`the header ${name} ${reason}`);
  const value = text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
  if (CONTROL.test(value))
    throw misuse(`the value of the header ${name} holds a line break or another control character`);
  return [name, toWire(value)];
}
