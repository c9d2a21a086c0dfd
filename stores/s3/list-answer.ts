/** What a page of ListObjectsV2 says, entities decoded, url-encoding not: the common result of the scanner and of the parser. */
export interface RawListedObject {
  readonly key: string;
  readonly lastModified: string;
  readonly etag: string;
  readonly size: string;
}

export interface ListAnswer {
  readonly objects: readonly RawListedObject[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextContinuationToken: string | undefined;
  /** Keys and prefixes are url-encoded: what the answer says, for some stores ignore that they were asked. */
  readonly urlEncoded: boolean;
}
