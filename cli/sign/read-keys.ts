/** The keys that `waybill sign` signs with: from the environment, never from a flag, which everybody on the machine can read. */
import type { Credentials } from '../../sigv4/types.ts';
import { misuse } from './request.ts';

/** A store of somebody's own may have a secret with a space or an umlaut within; nobody has one with a space at an end. */
const SECRET = /^(?!\s)[^\p{Cc}]+(?<!\s)$/u;

/** @throws invalid_request when one is missing or cannot be right */
export function readKeys(environment: NodeJS.ProcessEnv): Credentials {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'] ?? '';
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'] ?? '';
  const sessionToken = environment['AWS_SESSION_TOKEN'] ?? '';
  if (accessKeyId === '' || secretAccessKey === '') {
    throw misuse('set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where the keys have one');
  }
  requirePrintable('AWS_ACCESS_KEY_ID', accessKeyId, /^[!-~]+$/);
  requirePrintable('AWS_SECRET_ACCESS_KEY', secretAccessKey, SECRET);
  requirePrintable('AWS_SESSION_TOKEN', sessionToken, /^[!-~]*$/);
  if (/[/,"\\]/.test(accessKeyId)) throw misuse('AWS_ACCESS_KEY_ID holds a character that a signature cannot carry');
  return { accessKeyId, secretAccessKey, ...(sessionToken !== '' && { sessionToken }) };
}

/** A newline that came along with a copied key is behind many a SignatureDoesNotMatch. */
function requirePrintable(name: string, value: string, form: RegExp): void {
  if (!form.test(value))
    throw misuse(`${name} holds white space or another character that no key has: was it copied whole?`);
}
