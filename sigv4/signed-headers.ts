/** Which headers a signature covers when the caller does not say. */
import type { WireRequest } from './types.ts';

/** Left out because a client, a proxy or a CDN adds, changes or drops them after signing: each is behind real SignatureDoesNotMatch. */
const NEVER_SIGNED: ReadonlySet<string> = new Set([
  'accept-encoding',
  'authorization',
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amzn-trace-id',
]);

/** Lower-case, sorted, each once: the names given, or every header of the request that transport leaves alone. */
export function toSignedHeaders(headers: WireRequest['headers'], names?: readonly string[]): readonly string[] {
  if (names !== undefined) return choose(headers, names);
  const known = shapes.find(({ given }) => isOfShape(headers, given));
  if (known !== undefined) return known.signed;
  const signed = choose(headers);
  if (shapes.length === SHAPES_MAX) shapes.shift();
  shapes.push({ given: headers.map(([name]) => name), signed });
  return signed;
}

/** Whoever signs thousands of requests a second signs a few kinds of them: their names are sorted once. Names alone are kept. */
const shapes: { readonly given: readonly string[]; readonly signed: readonly string[] }[] = [];
const SHAPES_MAX = 16;

function isOfShape(headers: WireRequest['headers'], given: readonly string[]): boolean {
  if (headers.length !== given.length) return false;
  for (let at = 0; at < given.length; at++) if (headers[at]?.[0] !== given[at]) return false;
  return true;
}

function choose(headers: WireRequest['headers'], names?: readonly string[]): string[] {
  const chosen = new Set<string>();
  if (names !== undefined) {
    for (const name of names) chosen.add(name.toLowerCase());
  } else {
    for (const [name] of headers) {
      const lower = name.toLowerCase();
      if (!NEVER_SIGNED.has(lower)) chosen.add(lower);
    }
  }
  // Header names are ASCII, so the default order is the order of bytes.
  return [...chosen].sort();
}
