/** The headers that say what an object's content is, by their fields: they go with it wherever it is copied. */
export const CONTENT_HEADERS = [
  'contentType',
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'expires',
] as const;
