/** `GET /v1/manifests/{hash}`: the canonical bytes, which never change under their hash. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { Static } from 'typebox';
import { WaybillError } from '../../core/failures.ts';
import { isSha256Hex } from '../../core/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { problems } from '../problem-schema.ts';
import { readManifest } from '../read-manifest.ts';

const params = Type.Object({ hash: Type.String({ description: 'sha256 of the manifest, 64 hex digits' }) });

export function readManifestRoute(app: FastifyInstance, { ledger }: ApiDeps): void {
  app.get<{ Params: Static<typeof params> }>(
    '/manifests/:hash',
    {
      schema: {
        operationId: 'getManifest',
        summary: 'A manifest, byte for byte as it was hashed',
        tags: ['manifests'],
        params,
        response: {
          200: {
            description: 'etl/manifest/v1',
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['objects', 'run_id', 'schema'],
                  properties: {
                    objects: { type: 'array', items: { type: 'object' } },
                    run_id: { type: 'string' },
                    schema: { const: 'etl/manifest/v1' },
                  },
                },
              },
            },
          },
          304: { description: 'the caller has it', type: 'null' },
          ...problems(404, 410),
        },
      },
    },
    async (request, reply) => {
      const { hash } = request.params;
      if (!isSha256Hex(hash)) throw new WaybillError('unknown_manifest', 'a manifest is named by its sha256 in hex');
      const manifest = await ledger.loadManifest(hash);
      const etag = `"${hash}"`;
      reply.header('etag', etag).header('cache-control', 'private, max-age=31536000, immutable');
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      reply.type('application/json').header('content-length', manifest.manifestBytes);
      // A stream, so that the length stays the manifest's.
      if (request.method === 'HEAD') return reply.send(Readable.from([]));
      const stream = Readable.from(await withFirst(readManifest(ledger, manifest)), { objectMode: false });
      // The head is sent by then: a failure breaks the connection before the last byte, which the reader's length shows.
      stream.on('error', (error) => request.log.error({ err: error, manifest: hash }, 'the manifest broke off'));
      return reply.send(stream);
    },
  );
}

/** Waits for the first two pieces, so that a ledger that is away is a 503 and not a broken answer. */
async function withFirst(
  pieces: AsyncGenerator<Uint8Array, void, void>,
): Promise<AsyncGenerator<Uint8Array, void, void>> {
  const first = await pieces.next();
  const second = first.done ? first : await pieces.next();
  return (async function* () {
    if (!first.done) yield first.value;
    if (!second.done) yield second.value;
    yield* pieces;
  })();
}
