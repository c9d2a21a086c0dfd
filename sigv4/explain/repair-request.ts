/**
 * URLs that were spoiled by what carried them: escaped for HTML or JSON, run through printf, encoded a second time. Each is undone,
 * so that the rest of the explanation sees the request that was meant, and is named as a fault.
 */
import type { WireRequest } from '../types.ts';
import type { Fault } from './read-claim.ts';

interface Repair {
  readonly fault: Fault;
  readonly isSpoiled: (query: string) => boolean;
  readonly undo: (query: string) => string;
}

/** What Go's printf makes of `%2F`: the width is lost, the letter is not. */
const PRINTF: Readonly<Record<string, string>> = { F: '%2F', B: '%3B', D: '%3D', A: '%3A', C: '%2C' };

const REPAIRS: readonly Repair[] = [
  {
    fault: {
      id: 'ampersands-escaped',
      stage: 'canonical query',
      what: 'the & of the URL are escaped as &amp;: it was copied out of HTML or XML',
      mend: 'replace each &amp; by &, or unescape the text that the URL came in',
    },
    isSpoiled: (query) => /&(?:amp;|amp%3B|#38;)[A-Za-z-]+=/i.test(query),
    undo: (query) => query.replace(/&(?:amp;|amp%3B|#38;)/gi, '&'),
  },
  {
    fault: {
      id: 'ampersands-escaped',
      stage: 'canonical query',
      what: 'the & of the URL are escaped as \\u0026: it was copied out of JSON',
      mend: 'replace each \\u0026 by &, or parse the JSON that the URL came in',
    },
    isSpoiled: (query) => /\\u0026|%5Cu0026/i.test(query),
    undo: (query) => query.replace(/\\u0026|%5Cu0026/gi, '&'),
  },
  {
    fault: {
      id: 'url-through-printf',
      stage: 'canonical query',
      what: 'the URL was run through printf, which read its % as formats: %!F(MISSING) stands where %2F belongs',
      mend: 'print it as an argument, Printf("%s", url), not as the format',
    },
    isSpoiled: (query) => /%!.\(MISSING\)/.test(query),
    undo: (query) => query.replace(/%!(.)\(MISSING\)/g, (whole, letter: string) => PRINTF[letter] ?? whole),
  },
  {
    fault: {
      id: 'url-encoded-twice',
      stage: 'canonical query',
      what: 'the query of the URL was percent-encoded a second time: %252F stands where %2F belongs',
      mend: 'hand the URL on as it is: no encodeURI, no template and no proxy that encodes it again',
    },
    isSpoiled: (query) => /X-Amz-Credential=[^&]*%252F/i.test(query),
    undo: (query) => query.replace(/%25([0-9A-F]{2})/gi, '%$1'),
  },
  {
    fault: {
      id: 'url-lower-cased',
      stage: 'canonical query',
      what: 'the URL was turned into lower case, names and values',
      mend: 'presign anew and let nothing change the case: neither the key nor X-Amz-Credential can be restored',
    },
    isSpoiled: (query) => /(?:^|&)x-amz-algorithm=aws4-hmac-sha256(?:&|$)/.test(query),
    undo: (query) => query,
  },
];

export function repairRequest(request: WireRequest): {
  readonly request: WireRequest;
  readonly faults: readonly Fault[];
} {
  const spoiled = REPAIRS.filter(({ isSpoiled }) => isSpoiled(request.query));
  const query = spoiled.reduce((text, { undo }) => undo(text), request.query);
  return { request: spoiled.length === 0 ? request : { ...request, query }, faults: spoiled.map(({ fault }) => fault) };
}
