/**
 * A certificate for 127.0.0.1 and localhost and the authority that signed it, made by openssl. Two of them, since some TLS
 * libraries refuse a server that shows an authority's own certificate.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Certificate {
  /** What a client has to trust. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const EXTENSIONS = `basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=IP:127.0.0.1,DNS:localhost
`;

/** Null where there is no openssl. */
export function createCertificate(directory: string): Certificate | null {
  const file = (name: string): string => path.join(directory, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' });
  const [caFile, caKey, certFile, keyFile] = [file('ca.pem'), file('ca.key'), file('cert.pem'), file('key.pem')];
  const [request, extensions] = [file('cert.csr'), file('cert.ext')];
  try {
    const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    openssl(
      'req',
      '-x509',
      ...CURVE,
      '-days',
      '2',
      '-subj',
      '/CN=Waybill test',
      ...usage,
      '-keyout',
      caKey,
      '-out',
      caFile,
    );
    openssl('req', '-new', ...CURVE, '-subj', '/CN=127.0.0.1', '-keyout', keyFile, '-out', request);
    writeFileSync(extensions, EXTENSIONS);
    const signer = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', extensions];
    openssl('x509', '-req', '-in', request, ...signer, '-out', certFile);
    return { caFile, certFile, keyFile };
  } catch {
    return null;
  }
}
