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
export function toSignedHeaders(headers: WireRequest['headers'], names?: readonly string[]): string[] {
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
