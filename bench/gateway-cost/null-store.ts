/**
 * A store that keeps nothing: drops what it gets, and answers `GET /bucket/SIZE/name` with SIZE bytes. It checks nothing, so that what
 * is measured is whatever stands before it.
 */
import http from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const PIECE = Buffer.alloc(256 * 1024, 'x');
const COMMON = { ETag: '"0cc175b9c0f1b6a831c399e269772661"', 'x-amz-request-id': '0123456789ABCDEF' };

const server = http.createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.method === 'GET') {
    sendBytes(response, Number((request.url ?? '').split('/')[2]));
    return;
  }
  request.resume();
  request.on('end', () => response.writeHead(200, { ...COMMON, 'Content-Length': 0 }).end());
});

function sendBytes(response: ServerResponse, size: number): void {
  response.writeHead(200, {
    ...COMMON,
    'Content-Length': size,
    'Content-Type': 'binary/octet-stream',
    'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
  });
  let left = size;
  const go = (): void => {
    while (left > PIECE.length) {
      left -= PIECE.length;
      if (!response.write(PIECE)) {
        response.once('drain', go);
        return;
      }
    }
    response.end(PIECE.subarray(0, left));
  };
  go();
}

server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());
