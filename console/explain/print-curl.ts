/** A request as a curl command for a POSIX shell. What curl would add or change by itself is switched off. */
import type { WireRequest } from '../../sigv4/types.ts';

/** curl writes these itself, from the URL and from the body. */
const OWN_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'expect']);

/** @param body null when it is not known */
export function printCurl(request: WireRequest, body: Uint8Array | null): string {
  const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1].trim() ?? 'HOST';
  const url = `${/^(?:localhost|127\.|\[::1\])|:(?!443$)\d+$/.test(host) ? 'http' : 'https'}://${host}${request.path}${request.query === '' ? '' : `?${request.query}`}`;
  const sent = request.headers.filter(
    ([name]) => !OWN_HEADERS.has(name.toLowerCase()) && name.toLowerCase() !== 'host',
  );
  const hasType = sent.some(([name]) => name.toLowerCase() === 'content-type');
  const hasBody = body === null ? /^(?:PUT|POST|PATCH)$/.test(request.method) : body.length > 0;
  const words = [
    // Without --path-as-is curl folds `.` and `..`, and without --globoff it expands brackets: both change the path behind the signature.
    'curl --path-as-is --globoff',
    request.method === 'HEAD' ? '--head' : `--request ${request.method}`,
    // An empty value is written with a semicolon, or curl leaves the header out.
    ...sent.map(([name, value]) => `--header ${quote(value.trim() === '' ? `${name};` : `${name}: ${value}`)}`),
    ...(hasBody && !hasType ? [`--header ${quote('content-type:')}`] : []),
    ...(hasBody ? [`--data-binary ${body === null ? '@FILE' : quote(new TextDecoder().decode(body))}`] : []),
    quote(url),
  ];
  return words.join(' \\\n  ');
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
