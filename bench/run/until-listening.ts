import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const TRIES = 200;
const BETWEEN_MS = 50;

/** For servers that say that they are ready before they listen. @throws an Error when nobody listens there, or the server has ended */
export async function untilListening(name: string, port: number, hasEnded: () => boolean): Promise<void> {
  for (let tries = 0; tries < TRIES && !hasEnded(); tries++) {
    if (await answers(port)) return;
    await sleep(BETWEEN_MS);
  }
  throw new Error(`${name} does not listen on port ${String(port)}`);
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
