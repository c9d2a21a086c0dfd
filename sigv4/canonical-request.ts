/**
 * The canonical request: the six blocks that a signature covers, each under a line of its own.
 * Source: AWS, "Create a signed AWS API request", step 1.
 */
import { buildCanonicalHeaders } from './canonical-headers.ts';
import { buildCanonicalQuery } from './canonical-query.ts';
import { buildCanonicalUri } from './canonical-uri.ts';
import type { PathRule, WireRequest } from './types.ts';

export interface CanonicalRequest {
  readonly canonicalUri: string;
  readonly canonicalQuery: string;
  readonly canonicalHeaders: string;
  readonly signedHeaders: string;
  readonly payloadHash: string;
  readonly canonicalRequest: string;
}

export interface CanonicalInput {
  readonly request: WireRequest;
  readonly pathRule: PathRule;
  readonly payloadHash: string;
  /** Lower-case, sorted, no repeats. */
  readonly signedHeaders: readonly string[];
  /** Encoded name of a query parameter that is no part of what is signed. */
  readonly exceptParameter?: string;
}

/** Builds the canonical request; null when the percent-encoding of the path or the query is malformed. */
export function buildCanonicalRequest(input: CanonicalInput): CanonicalRequest | null {
  const { request, payloadHash } = input;
  const canonicalUri = buildCanonicalUri(request.path, input.pathRule);
  const canonicalQuery = buildCanonicalQuery(request.query, input.exceptParameter);
  if (canonicalUri === null || canonicalQuery === null) return null;
  const canonicalHeaders = buildCanonicalHeaders(request.headers, input.signedHeaders);
  const signedHeaders = input.signedHeaders.join(';');
  const canonicalRequest =
    `${request.method}\n${canonicalUri}\n${canonicalQuery}\n` + `${canonicalHeaders}\n${signedHeaders}\n${payloadHash}`;
  return { canonicalUri, canonicalQuery, canonicalHeaders, signedHeaders, payloadHash, canonicalRequest };
}
