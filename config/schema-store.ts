/** The shape of an entry of `stores:`. */
import Type from 'typebox';
import { closed, flag, oneOf, price, secretRef, text } from './schema-fields.ts';

export const storeSchema = Type.Object(
  {
    endpoint: Type.Optional(text('the URL of an S3-compatible service, https://HOST[:PORT]')),
    directory: Type.Optional(text('a local directory that holds the objects, instead of an endpoint')),
    region: Type.Optional(text('the region that requests are signed for (us-east-1)')),
    addressing: Type.Optional(
      oneOf(['path', 'virtual'], 'path or virtual (virtual for amazonaws.com, path elsewhere)'),
    ),
    credentials: Type.Optional(
      Type.Object(
        {
          access_key_id: Type.Optional(secretRef('the access key id')),
          secret_access_key: Type.Optional(secretRef('the secret access key')),
          session_token: Type.Optional(secretRef('the session token')),
          profile: Type.Optional(text('the name of a profile of the AWS configuration files')),
        },
        { ...closed, description: 'a key pair or a profile; without it the default chain of the AWS SDK is asked' },
      ),
    ),
    conditional_writes: Type.Optional(flag('true where the store honours If-None-Match and If-Match on writes (true)')),
    etags: Type.Optional(
      oneOf(['md5', 'opaque'], 'md5 or opaque: whether a single-part ETag is the MD5 of the bytes (md5)'),
    ),
    unsigned_payload: Type.Optional(flag('true to send UNSIGNED-PAYLOAD to this store (false)')),
    fsync: Type.Optional(flag('false for a scratch directory whose last writes may be lost (true)')),
    prices: Type.Optional(
      Type.Object(
        {
          currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$', description: 'a currency code such as USD' })),
          per_thousand_writes: Type.Optional(price('of 1,000 PUT, COPY, POST or LIST requests')),
          per_thousand_reads: Type.Optional(price('of 1,000 GET or HEAD requests')),
          per_gib_out: Type.Optional(price('of a GiB that leaves the store')),
        },
        { ...closed, description: 'what the store charges; fields left out are those of S3 Standard in us-east-1' },
      ),
    ),
  },
  { ...closed, description: 'a store' },
);
