/** What goes wrong when the lines are put together: in the canonical request as a whole, and in the string to sign. */
import { SOURCES, valueOf, withHeader, type Mutation, type Variant } from './mutation.ts';

const upperHash = (text: string): string => text.replace(/[0-9a-f]{64}$/, (hash) => hash.toUpperCase());

/** A form that has a name, and what it makes of a text. */
type Bend<Args extends unknown[]> = readonly [detail: string, bend: (...args: Args) => string];

const TO_SIGN: readonly Bend<[text: string, canonical: string]>[] = [
  ['a newline was left at its end', (text) => `${text}\n`],
  ['its lines end with CRLF', (text) => text.replaceAll('\n', '\r\n')],
  ['a literal \\n stands between its lines instead of a newline', (text) => text.replaceAll('\n', '\\n')],
  ['the line of the algorithm is missing', (text) => text.slice(text.indexOf('\n') + 1)],
  [
    'the canonical request itself stands where its hash belongs',
    (text, canonical) => text.replace(/[0-9a-f]{64}$/, () => canonical),
  ],
  ['the hash of the canonical request is in upper case', upperHash],
  ['the scope lacks its aws4_request', (text) => text.replace(/\/aws4_request\n/, '\n')],
  ['the line of the scope is missing', (text) => text.replace(/\n[^\n]*\/aws4_request\n/, '\n')],
  ['the line of the time is missing', (text) => text.replace(/\n[^\n]*\n/, '\n')],
];

const CANONICAL: readonly Bend<[text: string]>[] = [
  ['a newline was left at its end', (text) => `${text}\n`],
  ['its lines end with CRLF', (text) => text.replaceAll('\n', '\r\n')],
  ['a literal \\n stands between its lines instead of a newline', (text) => text.replaceAll('\n', '\\n')],
  ['the payload hash, its last line, is missing', (text) => text.slice(0, text.lastIndexOf('\n'))],
  [
    'the line of the query is missing where it is empty',
    (text) => text.replace(/^([^\n]*\n[^\n]*\n)\n/, (_, before: string) => before),
  ],
];

export const TEXT_MUTATIONS: readonly Mutation[] = [
  {
    id: 'string-to-sign-form',
    stage: 'string to sign',
    culprit: 'the string to sign was put together wrongly',
    rule: 'four lines, joined by single line feeds and none behind the last: algorithm, time, scope, hash of the canonical request',
    source: SOURCES.stringToSign,
    mend: 'print the string to sign with its invisible characters and compare it with the rule',
    apply: function* (inputs, { accessKeyId }) {
      for (const [detail, bendToSign] of TO_SIGN) yield { inputs: { ...inputs, bendToSign }, detail };
      const bendToSign = (text: string): string =>
        text.replace(/\n([^\n]*\/aws4_request)\n/, (_, scope: string) => `\n${accessKeyId}/${scope}\n`);
      yield { inputs: { ...inputs, bendToSign }, detail: 'the access key id stands in the scope, as in Credential' };
    },
  },
  {
    id: 'canonical-request-form',
    stage: 'canonical headers',
    culprit: 'the canonical request was put together wrongly',
    rule: 'method, URI, query, header lines, an empty line, signed headers and payload hash, joined by single line feeds and none behind the last',
    source: SOURCES.canonicalRequest,
    mend: 'print the canonical request with its invisible characters and compare it with the rule',
    apply: function* (inputs) {
      for (const [detail, bendCanonical] of CANONICAL) yield { inputs: { ...inputs, bendCanonical }, detail };
      yield { inputs: { ...inputs, gap: '\n\n' }, detail: 'a second empty line behind the header lines' };
      yield {
        inputs: { ...inputs, headers: inputs.headers.map(([name, value]) => [name, ` ${value}`] as const) },
        detail: 'a space behind the colon of each header line',
      };
    },
  },
  {
    id: 'signed-headers-list',
    stage: 'signed headers',
    culprit: 'the list of signed headers was written in another form',
    rule: 'SignedHeaders joins the lower-case names by semicolons, without blanks and without one at the end',
    source: SOURCES.canonicalRequest,
    mend: 'join the sorted names by ";" alone, in the canonical request and in Authorization',
    apply: (inputs) => {
      const names = inputs.signedHeaders.split(';');
      const forms: readonly (readonly [string, string])[] = [
        [`${inputs.signedHeaders};`, 'a semicolon at its end'],
        [names.join(','), 'commas instead of semicolons'],
        [names.join('; '), 'a space behind each semicolon'],
        [names.join(', '), 'commas and spaces instead of semicolons'],
        ['', 'an empty line'],
      ];
      return forms.map(([signedHeaders, detail]): Variant => ({ inputs: { ...inputs, signedHeaders }, detail }));
    },
  },
  {
    id: 'whole-url-signed',
    stage: 'canonical URI',
    culprit: 'a whole URL, or its scheme, was signed where only a part of it belongs',
    rule: 'the canonical URI is the path alone, and Host has neither scheme nor path',
    source: SOURCES.canonicalRequest,
    mend: 'take the path for line 2, the query without its ? for line 3, and the bare host for Host',
    apply: function* (inputs) {
      const host = valueOf(inputs, 'host') ?? '';
      for (const scheme of ['https://', 'http://']) {
        yield {
          inputs: { ...inputs, uri: `${scheme}${host}${inputs.uri}` },
          detail: `${scheme}HOST in the canonical URI`,
        };
        yield { inputs: withHeader(inputs, 'host', scheme + host), detail: `${scheme} in Host` };
        yield { inputs: withHeader(inputs, 'host', `${scheme}${host}/`), detail: `${scheme} and a slash in Host` };
      }
      yield { inputs: { ...inputs, uri: host + inputs.uri }, detail: 'the host in the canonical URI' };
      yield { inputs: withHeader(inputs, 'host', `${host}/`), detail: 'a slash behind Host' };
      yield { inputs: { ...inputs, query: `?${inputs.query}` }, detail: 'the ? of the query' };
    },
  },
];
