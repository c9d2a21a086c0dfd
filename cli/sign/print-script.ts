/**
 * A request as a script that signs it when it is run, for a machine where nothing can be installed: a signed request is good for
 * minutes, a script for as long as its keys. It holds no key of any kind; see script/signing.ts for how it keeps those it is given.
 */
import { buildCanonicalQuery } from '../../sigv4/canonical-query.ts';
import { buildCanonicalUri } from '../../sigv4/canonical-uri.ts';
import type { OperationName } from './operations.ts';
import { quoteShell } from './quote-shell.ts';
import { misuse, type HeaderList, type PreparedRequest } from './request.ts';
import { buildHeaderFunction } from './script/header-function.ts';
import { LIST_ALIASES } from './script/list-aliases.ts';
import { MULTIPART } from './script/multipart.ts';
import { SIGNING } from './script/signing.ts';
import { buildSingleRequest } from './script/single-request.ts';

export function printScript(request: PreparedRequest, operation: OperationName | undefined): string {
  const isMultipart = operation === 'MultipartUpload';
  if (isMultipart && request.query !== '') throw misuse('the URL of a MultipartUpload has no query');
  if (isMultipart && request.unsignedPayload)
    throw misuse('a MultipartUpload script hashes each part: --unsigned-payload has no place');
  if (operation === 'ListAliases' && (request.body.kind !== 'text' || request.body.text !== '{}')) {
    throw misuse('the ListAliases script makes the bodies itself, a page after the other');
  }
  const parts = isMultipart
    ? [buildMultipartHeaders(request), MULTIPART]
    : [
        buildHeaderFunction('request_headers', request.headers, request.service === 's3'),
        operation === 'ListAliases' ? LIST_ALIASES : buildSingleRequest(request),
      ];
  return [printPreamble(request, operation), SIGNING, '\n', printSettings(request), ...parts].join('');
}

function printPreamble(request: PreparedRequest, operation: OperationName | undefined): string {
  const { origin, path, method, body } = request;
  const takesFile =
    operation === 'MultipartUpload' || body.kind === 'file' || (body.kind === 'none' && method === 'PUT');
  return `#!/bin/sh
# ${operation ?? method} ${origin}${path}, signed with AWS Signature Version 4 when this is run.
# Usage: sh SCRIPT${takesFile ? (body.kind === 'file' ? ' [FILE]' : ' FILE') : ''}, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary keys, AWS_SESSION_TOKEN set.
# Needs curl and openssl. Holds no key. Ends with 0 done, 1 refused, 2 usage, 4 unreachable.
`;
}

/** All words are quoted here, and are never expanded again. */
function printSettings(request: PreparedRequest): string {
  const { origin, path, query, method, region, service, pathRule, body } = request;
  const settings = [
    ['origin', origin],
    ['uri', path],
    ['canonical_uri', buildCanonicalUri(path, pathRule) ?? ''],
    ['canonical_query', buildCanonicalQuery(query) ?? ''],
    ['method_given', method],
    ['region', region],
    ['service', service],
  ].map(([name = '', value = '']) => `${name}=${quoteShell(value)}\n`);
  const file = quoteShell(body.kind === 'file' ? body.path : '');
  return `${settings.join('')}file=${file}\n[ "$#" -eq 0 ] || file=$1\n\n`;
}

/** Headers that say something of the request and not of the object, so that each request of an upload carries them. */
const ON_EACH = new Set(['host', 'user-agent', 'x-amz-request-payer', 'x-amz-expected-bucket-owner']);
/** The customer's own key goes along with the bytes too. */
const OF_CUSTOMER_KEY = /^x-amz-server-side-encryption-customer-/;
/** The object becomes visible when the upload is completed: conditions are for that. */
const ON_COMPLETE = new Set(['if-match', 'if-none-match']);

function buildMultipartHeaders({ headers }: PreparedRequest): string {
  const pick = (wanted: (name: string) => boolean): HeaderList =>
    headers.filter(([name]) => wanted(name.toLowerCase()));
  const withCustomerKey = pick((name) => ON_EACH.has(name) || OF_CUSTOMER_KEY.test(name));
  const onComplete = pick((name) => ON_EACH.has(name) || OF_CUSTOMER_KEY.test(name) || ON_COMPLETE.has(name));
  return [
    buildHeaderFunction(
      'create_headers',
      pick((name) => !ON_COMPLETE.has(name)),
      true,
    ),
    buildHeaderFunction('part_headers', withCustomerKey, true),
    buildHeaderFunction('complete_headers', [...onComplete, ['content-type', 'application/xml']], true),
    buildHeaderFunction(
      'step_headers',
      pick((name) => ON_EACH.has(name)),
      true,
    ),
  ].join('\n');
}
