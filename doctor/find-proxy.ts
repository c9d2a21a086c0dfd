/** The proxy through which the connection goes: a store's own egress, or for a URL what the environment says, as other clients read it. */
import type { Egress, SecretRef } from '../config/config.ts';
import type { ProxyRoute } from './open-socket.ts';

export async function toEgressRoute(egress: Egress, resolve: (ref: SecretRef) => Promise<string>): Promise<ProxyRoute> {
  const { kind, secure, host, port, credentials } = egress;
  return {
    kind,
    secure,
    host,
    port,
    credentials:
      credentials === null
        ? null
        : { username: await resolve(credentials.username), password: await resolve(credentials.password) },
    source: 'egress of waybill.yaml',
  };
}

/** Null when none is set for this URL, or NO_PROXY names its host. */
export function findProxy(url: URL, env: NodeJS.ProcessEnv): ProxyRoute | null {
  const names = url.protocol === 'https:' ? ['HTTPS_PROXY', 'https_proxy'] : ['http_proxy', 'HTTP_PROXY'];
  const name = [...names, 'ALL_PROXY', 'all_proxy'].find((one) => (env[one] ?? '') !== '');
  if (name === undefined || isExcepted(url.hostname, env['NO_PROXY'] ?? env['no_proxy'] ?? '')) return null;
  const text = env[name] ?? '';
  const proxy = URL.parse?.(text) ?? (URL.canParse(text) ? new URL(text) : null);
  if (proxy === null || proxy.hostname === '') return null;
  const kind = proxy.protocol.startsWith('socks') ? 'socks5' : url.protocol === 'https:' ? 'connect' : 'forward';
  return {
    kind,
    secure: proxy.protocol === 'https:',
    host: proxy.hostname,
    port: Number(proxy.port) || (kind === 'socks5' ? 1080 : proxy.protocol === 'https:' ? 443 : 80),
    credentials:
      proxy.username === ''
        ? null
        : { username: decodeURIComponent(proxy.username), password: decodeURIComponent(proxy.password) },
    source: name,
  };
}

function isExcepted(host: string, list: string): boolean {
  return list
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .toLowerCase()
        .replace(/^\*?\./, '')
        .replace(/:\d+$/, ''),
    )
    .some((entry) => entry === '*' || (entry !== '' && (host === entry || host.endsWith(`.${entry}`))));
}

/** Names of the variables that are set; for other clients they count whatever Waybill does. */
export const listProxyVariables = (env: NodeJS.ProcessEnv): readonly string[] =>
  ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy'].filter(
    (name) => (env[name] ?? '') !== '',
  );
