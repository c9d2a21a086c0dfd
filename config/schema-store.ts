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
    signed_chunks: Type.Optional(
      flag('false where the store refuses bodies in signed chunks; large ones are then spooled to a file (true)'),
    ),
    traffic: Type.Optional(
      oneOf(
        ['proxied', 'direct'],
        'proxied or direct: whether the bytes of objects pass through the gateway, or the gateway signs and workers go straight (proxied)',
      ),
    ),
    unsafe_direct_writes: Type.Optional(
      flag(
        'true to sign writes also for a store that takes x-amz- headers which no signature covers, as MinIO does: whoever has one signed can read what the credentials of the store can (false)',
      ),
    ),
    egress: Type.Optional(text('the proxy to the store, http[s]://HOST:PORT (CONNECT) or socks5://HOST:PORT')),
    egress_credentials: Type.Optional(
      Type.Object(
        { username: secretRef('the user name at the proxy'), password: secretRef('the password at the proxy') },
        { ...closed, description: 'the user at the proxy' },
      ),
    ),
    ca_file: Type.Optional(text('the path of PEM certificates that are trusted beside the public ones')),
    tls_min_version: Type.Optional(oneOf(['TLSv1.2', 'TLSv1.3'], 'TLSv1.2 or TLSv1.3 (TLSv1.2)')),
    allow_private_addresses: Type.Optional(
      flag('true to let POST /upload reach private addresses by the name of the endpoint (false)'),
    ),
    encryption: Type.Optional(
      Type.Object(
        {
          algorithm: oneOf(['aws:kms', 'AES256'], 'aws:kms or AES256'),
          kms_key_id: Type.Optional(text('the id, ARN or alias of a KMS key')),
        },
        { ...closed, description: 'what new objects are encrypted with where the caller does not say' },
      ),
    ),
    kms_endpoint: Type.Optional(text('the URL of the KMS that knows the keys (AWS: that of the region)')),
    accel_redirect: Type.Optional(
      text('the internal location of the nginx in front that is data/ of this directory, which then sends its files'),
    ),
    accel_metadata: Type.Optional(
      Type.Array(text('a name'), { description: 'names of user metadata that this nginx copies (none)' }),
    ),
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
