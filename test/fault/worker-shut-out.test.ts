/** A Temporal that answers and gives a worker no work for good: the worker ends, so that whoever keeps it running sees it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';
import { startRunStack } from '../support/run-stack.ts';

/** Of gRPC: the namespace is gone, for one. */
const NOT_FOUND = '5';

test('a worker that Temporal knows no more ends with a failure, after the minute for which its SDK hopes', async () => {
  const stack = await startRunStack({ ownServers: true });
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': NOT_FOUND };
    stream.on('error', () => undefined);
    stream.respond(headers, { endStream: true });
  });
  try {
    await stack.temporal.child?.stop();
    server.listen(Number(stack.temporalAddress.split(':').at(-1)), '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await stack.child('worker').exited, 4);
  } finally {
    for (const session of sessions) session.destroy();
    server.close();
    await stack.dispose();
  }
});
