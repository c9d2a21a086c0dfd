/** The part of a script that sends one request. */
import { UNSIGNED_PAYLOAD } from '../../../sigv4/limits.ts';
import { shell } from '../quote-shell.ts';
import type { PreparedRequest } from '../request.ts';

/** S3 takes no more in one PUT. */
const PUT_BYTES_MAX = 5 * 1024 ** 3;

export function buildSingleRequest(request: PreparedRequest): string {
  const { body, method, path, unsignedPayload, service } = request;
  const hash = unsignedPayload ? `payload_hash=${UNSIGNED_PAYLOAD}\n` : HASH_FILE;
  const sendsFile = body.kind === 'file' || (body.kind === 'none' && method === 'PUT' && service === 's3');
  if (sendsFile) {
    // --upload-file reads as it sends, but adds the file's name to a URL that ends in a slash.
    const words = path.endsWith('/') ? '--data-binary "@$file"' : '--upload-file "$file"';
    return CHECK_FILE + hash + SEND.replace('BODY', words) + REPORT;
  }
  const text = body.kind === 'text' ? body.text : '';
  const write = shell`
file=$scratch/body
printf '%s' ${text} >"$file"
`;
  const words = text === '' && method !== 'POST' && method !== 'PUT' ? '' : '--data-binary "@$file"';
  return write + hash + SEND.replace('BODY', words) + REPORT;
}

const CHECK_FILE = `
check_file
[ "$(($(wc -c <"$file")))" -le ${String(PUT_BYTES_MAX)} ] || fail 2 'the file is too large for one PUT: upload it in parts'
`;

const HASH_FILE = `payload_hash=$(sha256 <"$file") || exit 2
`;

const SEND = `send "$method_given" "$canonical_query" "$payload_hash" request_headers BODY || refused "$method_given"
`;

const REPORT = `cat "$scratch/answer"
[ ! -s "$scratch/answer" ] || echo
printf '%s\\n' "$method_given: answered $status" >&2
`;
