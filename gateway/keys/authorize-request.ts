/** The whole right that a parsed target takes, wherever it is asked for: to be served here, or to be signed (gateway/sign). */
import type { Target } from '../backend.ts';
import type { AccessKey, Authorize, Verdict } from './access.ts';

export function authorizeRequest<Key extends AccessKey>(authorize: Authorize<Key>, key: Key, target: Target): Verdict {
  const verdict = authorize(key, target);
  if (!verdict.ok || target.source === undefined) return verdict;
  // A right to write is no right to read what is to be written.
  return authorize(key, { operation: 'GetObject', query: new Map(), ...target.source });
}
