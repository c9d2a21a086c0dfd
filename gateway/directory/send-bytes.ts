/**
 * Sends a body whose head has been written. A small one goes out with its head in one write; a large one as fast as the reader
 * takes it. A body that fails midway breaks the connection: a short answer must not look like a whole one.
 */
import type { ServerResponse } from 'node:http';
import { toWholeBytes } from '../../stores/rules/whole-body.ts';

export async function sendBytes(
  response: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  lengthBytes: number,
): Promise<void> {
  const whole = toWholeBytes(body);
  if (whole !== undefined) {
    response.end(whole);
    return;
  }
  let sentBytes = 0;
  for await (const chunk of body) {
    if (response.destroyed) return;
    sentBytes += chunk.length;
    if (sentBytes >= lengthBytes) {
      response.end(chunk);
    } else if (!response.write(chunk)) {
      await waitForDrain(response);
    }
  }
  if (sentBytes < lengthBytes) response.destroy();
  else if (!response.writableEnded) response.end();
}

/** Resolves when the reader has taken what was written, or has gone. */
function waitForDrain(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
