/** The section `api:` with its defaults applied. */
import type { ApiConfig } from './config.ts';
import { toAbsoluteRef } from './file-reference.ts';
import { isLoopbackHost } from './listen-address.ts';
import type { Problems } from './problems.ts';
import type { RawApi } from './schema.ts';
import { toListen } from './to-gateway.ts';

export const API_DEFAULTS: ApiConfig = { listen: { host: '127.0.0.1', port: 8080 }, tokens: [] };

export function toApi(raw: RawApi, directory: string, problems: Problems): ApiConfig {
  const listen = toListen(['api', 'listen'], raw.listen, problems) ?? API_DEFAULTS.listen;
  const names = new Set<string>();
  const tokens = (raw.tokens ?? []).map((token, index) => {
    if (names.has(token.name))
      problems.add(['api', 'tokens', index, 'name'], 'expected a name of its own for each token');
    names.add(token.name);
    const ref = token.sha256;
    const isRef = ref.startsWith('env:') || ref.startsWith('file:');
    return {
      name: token.name,
      sha256: isRef ? toAbsoluteRef(ref as 'env:' | 'file:', directory) : ref,
      role: token.role ?? 'viewer',
    } as const;
  });
  if (tokens.length === 0 && !isLoopbackHost(listen.host)) {
    problems.add(
      ['api', 'listen'],
      'expected tokens to listen beyond loopback; make one with: waybill token create NAME',
    );
  }
  return { listen, tokens };
}
