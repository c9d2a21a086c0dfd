/** Which addresses POST /upload of a store may reach; see stores/s3/store-addresses.ts. */
import { isIP } from 'node:net';
import type { ProviderStore } from '../../config/config.ts';
import type { AddressRule } from '../../stores/s3/store-addresses.ts';

/** What POST /upload of a store may reach. */
export function toUploadRule(store: Pick<ProviderStore, 'endpoint' | 'allowPrivateAddresses'>): AddressRule {
  const { hostname } = new URL(store.endpoint);
  const isNamed = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && !/(^|\.)localhost$/.test(hostname);
  return isNamed && !store.allowPrivateAddresses ? 'public' : 'configured';
}
