/**
 * Which object of a store a target_url names. The URL is taken apart as text, not by a URL parser, which would fold `..` and
 * backslashes and read `http:/\host` as people do not. Its origin must be the store's own endpoint, letter for letter but for
 * case and a default port, or one bucket label before it where the store is addressed so. Everything else is on nobody's
 * allow-list: other hosts, IP addresses that are not the endpoint, user names, fragments, presigned URLs.
 */
import { WaybillError } from '../../core/failures.ts';
import { parseQuery } from '../../sigv4/canonical-query.ts';
import type { Target } from '../backend.ts';
import { parseTarget } from '../request/parse-target.ts';
import type { Addressing } from '../provider/provider-address.ts';

export interface UploadTarget {
  readonly target: Target;
  /** How the URL addresses the bucket, so that Host is the one of the URL. */
  readonly addressing: Addressing['addressing'];
}

/** No blank and no control anywhere, and no letter in the host that only folds to one of ASCII: parsers of URLs drop, trim and map them. */
const URL_PARTS = /^(https?):\/\/([^/?#@\\\s\u0000-\u001f\u007f-\uffff]+)(\/[^#\s\u0000-\u001f\u007f]*)$/i;
const BUCKET_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** @throws access_denied for another origin; invalid_request for what is not the URL of an object or a part */
export function parseUploadTarget(targetUrl: string, store: Addressing): UploadTarget {
  const parts = URL_PARTS.exec(targetUrl);
  if (parts === null) throw invalid('target_url must be http(s)://HOST[:PORT]/PATH without user name and fragment');
  const [, scheme = '', authority = '', rest = ''] = parts;
  const host = toHost(scheme.toLowerCase(), authority.toLowerCase());
  const endpoint = store.endpoint.toLowerCase();
  const endpointHost = endpoint.slice(endpoint.indexOf('://') + 3);
  const isScheme = endpoint.startsWith(`${scheme.toLowerCase()}://`);

  if (isScheme && host === endpointHost) return { target: toObjectTarget(rest), addressing: 'path' };
  if (isScheme && store.addressing === 'virtual' && host.endsWith(`.${endpointHost}`)) {
    const bucket = host.slice(0, -endpointHost.length - 1);
    if (BUCKET_LABEL.test(bucket)) return { target: toObjectTarget(`/${bucket}${rest}`), addressing: 'virtual' };
  }
  throw new WaybillError('access_denied', "target_url is not in this key's store", { s3Code: 'AccessDenied' });
}

/** The port is left out where it is the scheme's own, as endpoints are written in the configuration. What has two ports is no host. */
function toHost(scheme: string, authority: string): string {
  const port = scheme === 'https' ? ':443' : ':80';
  const host = authority.endsWith(port) ? authority.slice(0, -port.length) : authority;
  return /:\d*$/.test(host) ? authority : host;
}

function toObjectTarget(pathAndQuery: string): Target {
  // By their decoded names: `X%2DAmz-Signature` is one of them to whoever decodes before it looks.
  const mark = pathAndQuery.indexOf('?');
  const parameters = mark < 0 ? [] : (parseQuery(pathAndQuery.slice(mark + 1)) ?? []);
  if (parameters.some(([name]) => /^\s*x-amz-/i.test(name))) {
    throw invalid('target_url must not be signed or carry headers in its query');
  }
  const { target } = parseTarget('PUT', pathAndQuery);
  if (target === null || target.key === '' || (target.operation !== 'PutObject' && target.operation !== 'UploadPart')) {
    throw invalid('target_url must name an object, or a part by partNumber and uploadId');
  }
  if (target.operation === 'UploadPart') {
    const partNumber = target.query.get('partNumber') ?? '';
    if (!/^[1-9]\d{0,4}$/.test(partNumber) || (target.query.get('uploadId') ?? '') === '') {
      throw invalid('a part is named by both partNumber, from 1, and uploadId');
    }
  }
  return target;
}

const invalid = (message: string): WaybillError =>
  new WaybillError('invalid_request', message, { s3Code: 'InvalidRequest' });
