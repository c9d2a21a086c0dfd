/** The shape of the section `gateway:`. */
import Type from 'typebox';
import { closed, duration, flag, listen, named, oneOf, secretRef, size, strings, text } from './schema-fields.ts';

const workloadKeySchema = Type.Object(
  {
    access_key_id: secretRef("the workload's access key id"),
    secret_access_key: secretRef("the workload's secret access key"),
    store: text('the name of a store of this file'),
    operations: Type.Array(
      oneOf(['list', 'read', 'write', 'delete', 'admin'], 'one of list, read, write, delete, admin'),
      { description: 'what the key may do: list, read, write, delete, admin', minItems: 1 },
    ),
    buckets: Type.Optional(strings('the buckets that the key may touch; none means every bucket of the store')),
    prefixes: Type.Optional(strings('the key prefixes that it may touch; none means every key')),
    allow_unsigned_payload: Type.Optional(flag('true to accept UNSIGNED-PAYLOAD writes of this key (false)')),
    upload: Type.Optional(flag('true to let the key call POST /upload (false)')),
  },
  { ...closed, description: 'a workload key' },
);

export const gatewaySchema = Type.Object(
  {
    listen: Type.Optional(listen('the address of the S3 endpoint (127.0.0.1:9000)')),
    admin_listen: Type.Optional(listen('the address of metrics and health')),
    allow_insecure_http: Type.Optional(flag('true to serve plain HTTP beyond loopback (false)')),
    tls: Type.Optional(
      Type.Object(
        { cert_file: text('the path of a PEM certificate chain'), key_file: text('the path of its PEM private key') },
        { ...closed, description: 'the certificate that the endpoint serves' },
      ),
    ),
    region: Type.Optional(text('the region that callers sign for (us-east-1)')),
    upload_size_max: Type.Optional(size('the largest body of POST /upload, decoded (64MiB)')),
    request_limit: Type.Optional(duration('how long one request may take to arrive (30s)')),
    keys: Type.Optional(named(workloadKeySchema, 'the workload keys by name')),
  },
  { ...closed, description: 'the gateway' },
);
