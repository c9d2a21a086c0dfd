/** The shape of the section `gateway:`. */
import Type from 'typebox';
import {
  closed,
  duration,
  flag,
  listen,
  named,
  oneOf,
  secretRef,
  secretRefs,
  size,
  strings,
  text,
} from './schema-fields.ts';

const networks = (what: string) => strings(`${what}; each an address or a CIDR block such as 10.0.0.0/8`);

const workloadKeySchema = Type.Object(
  {
    access_key_id: secretRef("the workload's access key id"),
    secret_access_key: secretRefs("the workload's secret access key"),
    store: text('the name of a store of this file'),
    operations: Type.Array(
      oneOf(['list', 'read', 'write', 'delete', 'admin'], 'one of list, read, write, delete, admin'),
      { description: 'what the key may do: list, read, write, delete, admin', minItems: 1 },
    ),
    buckets: Type.Optional(strings('the buckets that the key may touch; none means every bucket of the store')),
    prefixes: Type.Optional(strings('the key prefixes that it may touch; none means every key')),
    allow_unsigned_payload: Type.Optional(flag('true to accept UNSIGNED-PAYLOAD writes of this key (false)')),
    upload: Type.Optional(flag('true to let the key call POST /upload (false)')),
    bearer_sha256: Type.Optional(
      Type.String({
        pattern: '^([0-9a-f]{64}|env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$',
        writeOnly: true,
        description: 'the SHA-256 of a bearer token for POST /upload in 64 hex digits, or a reference to it',
      }),
    ),
    sign: Type.Optional(flag('true to let the key, and its sessions, have requests signed with POST /sign (false)')),
    session: Type.Optional(flag('true to let the key ask for short-lived credentials with POST /session (false)')),
    expires: Type.Optional(text('when the key ends, an instant such as 2027-01-31T00:00:00Z')),
    source_networks: Type.Optional(networks('the addresses that the key may be used from; none means every address')),
  },
  { ...closed, description: 'a workload key' },
);

const count = (what: string) => Type.Integer({ minimum: 1, maximum: 1_000_000, description: what });

const limitsSchema = Type.Object(
  {
    connections_max: Type.Optional(count('how many connections may be open at once (4096)')),
    connections_per_address_max: Type.Optional(count('how many of them from one address (1024)')),
    memory: Type.Optional(size('the bodies that are held whole at once (256MiB)')),
    idle_limit: Type.Optional(duration('how long a body may bring nothing, and an answer wait for its reader (60s)')),
  },
  { ...closed, description: 'what the endpoint bears' },
);

export const gatewaySchema = Type.Object(
  {
    listen: Type.Optional(listen('the address of the S3 endpoint (127.0.0.1:9000)')),
    admin_listen: Type.Optional(listen('the address of metrics, health, refusals and keys')),
    admin_token: Type.Optional(secretRef('the bearer token of that address')),
    admin_tls: Type.Optional(flag('true to serve that address with the same certificate (false)')),
    allow_insecure_http: Type.Optional(flag('true to serve plain HTTP beyond loopback (false)')),
    tls: Type.Optional(
      Type.Object(
        { cert_file: text('the path of a PEM certificate chain'), key_file: text('the path of its PEM private key') },
        { ...closed, description: 'the certificate that the endpoint serves' },
      ),
    ),
    region: Type.Optional(text('the region that callers sign for (us-east-1)')),
    upload_size_max: Type.Optional(size('the largest body of POST /upload, decoded (64MiB)')),
    request_limit: Type.Optional(duration('how long one request may take to arrive (15m)')),
    limits: Type.Optional(limitsSchema),
    access_log: Type.Optional(oneOf(['all', 'refusals', 'off'], 'one of all, refusals, off (all)')),
    explain: Type.Optional(flag('true to say in the log and at /refusals why a signature did not match (false)')),
    trusted_proxies: Type.Optional(networks('the proxies whose X-Forwarded-For is believed')),
    session_secret: Type.Optional(secretRef('what seals session tokens, at least 32 characters,')),
    keys: Type.Optional(named(workloadKeySchema, 'the workload keys by name')),
  },
  { ...closed, description: 'the gateway' },
);
