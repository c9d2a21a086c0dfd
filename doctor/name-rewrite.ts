/**
 * Two canonical requests, what was signed here and what the service saw, part by part: every place where they differ names who must
 * have been between, what they did, and what lets the request through as it was. The canonical form hides what does not count: an
 * order of parameters, runs of blanks.
 */
import { parseCanonical } from '../sigv4/explain/signing-inputs.ts';

export interface Rewrite {
  /** A wire name: `host`, `path-prefix`, `header:accept-encoding`. */
  readonly id: string;
  readonly signed: string;
  readonly arrived: string;
  readonly cause: string;
  /** For whoever runs the proxy; null where there is no usual one. */
  readonly change: string;
}

const REST = { algorithm: '', amzDate: '', scope: { date: '', region: '', service: '', terminator: '' } };
const ABSENT = '(absent)';

/** Empty when they are the same, or one of them is no canonical request. */
export function nameRewrites(signed: string, arrived: string): readonly Rewrite[] {
  const a = parseCanonical(signed, REST);
  const b = parseCanonical(arrived, REST);
  if (a === null || b === null) return [];
  const rewrites: Rewrite[] = [];
  const add = (id: string, before: string, after: string, cause: string, change: string): void => {
    if (before !== after) rewrites.push({ id, signed: before, arrived: after, cause, change });
  };
  add(
    'method',
    a.method,
    b.method,
    `the method was changed from ${a.method} to ${b.method}`,
    'let the proxy keep the method: no redirect, no rewrite of HEAD to GET',
  );
  addPath(a.uri, b.uri, add);
  addQuery(a.query, b.query, add);
  const before = new Map(a.headers);
  const after = new Map(b.headers);
  for (const name of new Set([...before.keys(), ...after.keys()]))
    addHeader(name, before.get(name) ?? ABSENT, after.get(name) ?? ABSENT, add);
  add(
    'signed-headers',
    a.signedHeaders,
    b.signedHeaders,
    'the list of signed headers was changed',
    'let the proxy keep the Authorization header as it is',
  );
  add(
    'payload-hash',
    a.payloadHash,
    b.payloadHash,
    'x-amz-content-sha256 was changed',
    'let the proxy keep x-amz- headers and the body as they are',
  );
  return rewrites;
}

type Add = (id: string, signed: string, arrived: string, cause: string, change: string) => void;

function addPath(signed: string, arrived: string, add: Add): void {
  const keep =
    'let the proxy keep the path: in nginx proxy_pass http://backend; without a path behind it, and merge_slashes off';
  if (signed !== arrived && signed.endsWith(arrived === '/' ? '' : arrived)) {
    const prefix = arrived === '/' ? signed : signed.slice(0, -arrived.length);
    return add(
      'path-prefix',
      signed,
      arrived,
      `the path lost its beginning ${prefix} on the way`,
      `${keep}; or serve the store on a host name of its own, without ${prefix}`,
    );
  }
  if (signed !== arrived && (arrived.endsWith(signed) || (signed === '/' && arrived.length > 1)))
    return add(
      'path-prefix',
      signed,
      arrived,
      'the path was given another beginning on the way',
      `${keep}; or put that path into the client's endpoint`,
    );
  add(
    'path',
    signed,
    arrived,
    isSameDecoded(signed, arrived) ? 'the path was encoded anew on the way' : 'the path was changed on the way',
    keep,
  );
}

function addQuery(signed: string, arrived: string, add: Add): void {
  const before = new Set(signed.split('&'));
  const after = new Set(arrived.split('&'));
  const added = [...after].filter((one) => !before.has(one) && one !== '');
  const lost = [...before].filter((one) => !after.has(one) && one !== '');
  const cause =
    added.length > 0 && lost.length > 0
      ? `the query was changed on the way: ${lost.join('&')} became ${added.join('&')}`
      : added.length > 0
        ? `parameters were added to the query on the way: ${added.join('&')}`
        : `parameters were taken out of the query on the way: ${lost.join('&')}`;
  add(
    'query',
    signed,
    arrived,
    cause,
    'let the proxy keep the query as it is: in nginx $request_uri, never $args that were rewritten',
  );
}

function addHeader(name: string, signed: string, arrived: string, add: Add): void {
  if (name === 'host')
    return add(
      'host',
      signed,
      arrived,
      `Host was signed as ${signed} and arrived as ${arrived}`,
      'proxy_set_header Host $http_host; (nginx; Apache: ProxyPreserveHost On; HAProxy and Envoy: no host rewrite)',
    );
  if (name === 'accept-encoding')
    return add(
      'accept-encoding',
      signed,
      arrived,
      `Accept-Encoding was signed as ${signed} and arrived as ${arrived}`,
      'let the proxy or CDN pass Accept-Encoding, or let the client not sign it (rclone: --s3-sign-accept-encoding=false)',
    );
  if (name === 'content-length' || name === 'transfer-encoding')
    return add(
      'framing',
      signed,
      arrived,
      `the body was framed anew on the way: ${name} ${signed} became ${arrived}`,
      'proxy_request_buffering on; and no chunked encoding towards the store, or let the client not sign content-length',
    );
  const isSpacing = signed.replace(/\s/g, '') === arrived.replace(/\s/g, '');
  add(
    `header:${name}`,
    signed,
    arrived,
    `${name} was ${isSpacing ? 'given other blanks' : arrived === ABSENT || arrived === '' ? 'taken out' : 'changed'} on the way`,
    `let the proxy pass ${name} as it came`,
  );
}

function isSameDecoded(one: string, other: string): boolean {
  try {
    return decodeURIComponent(one) === decodeURIComponent(other);
  } catch {
    return false;
  }
}
