/** The TLS settings of the connections to one store. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import { WaybillError } from '../../core/failures.ts';

/** As the configuration has them. */
export interface TlsSettings {
  readonly name: string;
  readonly tls: { readonly caFile: string | null; readonly minVersion: 'TLSv1.2' | 'TLSv1.3' };
}

/** As node:tls takes them. */
export interface StoreTls {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** PEM. Absent: what Node trusts by itself. */
  readonly ca?: string[];
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @throws invalid_config when the file cannot be read or holds something else than certificates */
export async function loadStoreTls(store: TlsSettings): Promise<StoreTls> {
  const { caFile, minVersion } = store.tls;
  if (caFile === null) return { minVersion };
  const own = await readCertificates(caFile, store.name);
  // A list replaces what Node trusts, the operator's own addition to that included.
  const extraFile = process.env['NODE_EXTRA_CA_CERTS'];
  const extra = extraFile === undefined || extraFile === '' ? [] : await readCertificates(extraFile, store.name);
  return { minVersion, ca: [...rootCertificates, ...extra, ...own] };
}

async function readCertificates(file: string, store: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new WaybillError('invalid_config', 'the CA file of a store cannot be read', { store, file, code });
  }
  const certificates = text.match(PEM) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch {
    throw new WaybillError('invalid_config', 'the CA file of a store holds a broken certificate', { store, file });
  }
  if (certificates.length === 0) {
    throw new WaybillError('invalid_config', 'the CA file of a store holds no certificate in PEM', { store, file });
  }
  return certificates;
}
