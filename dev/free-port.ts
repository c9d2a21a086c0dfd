/**
 * Finds ports on the loopback interface that nobody listens on, below those that systems give to outgoing connections (from 32768 on
 * Linux, from 49152 elsewhere). One of those can be taken by any connection in the moment in which nobody listens on it: while a server
 * starts, and each time that it is started again.
 *
 * Whoever finds a port keeps it for as long as its process lives, from all others that look here: two stacks that are started in the
 * same moment would otherwise share one of their dozen ports once in some hundred times. What holds it is a listening socket of a name
 * alone (Linux's abstract ones), which the kernel frees when the process ends, however it ends. Elsewhere nothing holds it.
 *
 * A port that `fetch` refuses to connect to is never found: a server would listen there, and its pages could not be read.
 */
import { randomInt } from 'node:crypto';
import net from 'node:net';

const FIRST = 10_000;
const AFTER_LAST = 32_768;
const TRIES = 1000;
/** Of the "bad ports" of the Fetch standard those between the two: Amanda's, which NAT slipstreaming made one. */
const REFUSED_BY_FETCH: ReadonlySet<number> = new Set([10_080]);

const drawPort = (): number => randomInt(FIRST, AFTER_LAST);

/** That many different free ports. One who did not look here may still take one before it is used. @throws an Error when hardly any is free */
export async function findFreePorts(count: number, draw = drawPort): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries === TRIES + count) throw new Error(`no ${count} free ports between ${FIRST} and ${AFTER_LAST - 1}`);
    const port = draw();
    if (REFUSED_BY_FETCH.has(port)) continue;
    if ((await claimPort(port)) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

export async function findFreePort(): Promise<number> {
  const [port = 0] = await findFreePorts(1);
  return port;
}

export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** False where another process, or this one, was given it before. */
export async function claimPort(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return new Promise((resolve, reject) => {
    const claim = net.createServer();
    claim.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    claim.listen(`\0waybill port ${String(port)}`, () => {
      claim.unref();
      resolve(true);
    });
  });
}
