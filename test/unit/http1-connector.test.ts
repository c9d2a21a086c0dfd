/** How connections are opened: within a limit, told of once, and over TLS to nobody but whom the certificate names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls, { type TLSSocket } from 'node:tls';
import { createConnector, type Connector, type Destination } from '../../http1/connector.ts';
import { createCertificate } from '../support/create-certificate.ts';
import { until } from '../support/until.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'waybill-connector-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const certificate = createCertificate(directory);
const withoutOpenssl = certificate === null && 'there is no openssl to make a certificate with';
const read = (file: 'caFile' | 'certFile' | 'keyFile'): string => readFileSync(certificate?.[file] ?? '', 'utf8');

/** Names that no server of names knows: all of them are this machine. */
const lookup: net.LookupFunction = (_name, options, found) =>
  options.all === true ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4);

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function listenSecure(t: TestContext, options: tls.TlsOptions = {}): Promise<number> {
  const server = tls.createServer({ cert: read('certFile'), key: read('keyFile'), ...options });
  // A session is given behind the handshake: there is something to read then.
  server.on('secureConnection', (socket) => socket.on('error', () => undefined).write('hello'));
  server.on('tlsClientError', () => undefined);
  return listen(t, server);
}

const to = (port: number, hostname = '127.0.0.1', protocol = 'http:'): Destination => ({
  protocol,
  hostname,
  port: String(port),
});

const open = (connect: Connector, destination: Destination): Promise<Socket> =>
  new Promise((resolve, reject) => {
    connect(destination, (error, socket) => (error === null ? resolve(socket) : reject(error)));
  });

test('a connection is open when it is told of, and what fails later is told to nobody twice', async (t) => {
  const accepted: Socket[] = [];
  const port = await listen(
    t,
    net.createServer((socket) => void accepted.push(socket)),
  );
  let calls = 0;
  const socket = await new Promise<Socket>((resolve, reject) => {
    createConnector({ timeoutMs: 5000 })(to(port), (error, opened) => {
      calls += 1;
      if (error === null) resolve(opened);
      else reject(error);
    });
  });
  await until(() => accepted.length === 1);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  accepted[0]?.resetAndDestroy();
  await closed;
  assert.equal(calls, 1);
});

test('what refuses, and a name that is unknown are told by their codes', async (t) => {
  const port = await listen(t, net.createServer());
  const connect = createConnector({ timeoutMs: 5000 });
  const free = await listen(t, net.createServer());
  assert.ok(free !== port);
  const gone = net.createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port: closed } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  await assert.rejects(open(connect, to(closed)), { code: 'ECONNREFUSED' });
  const refusing = createConnector({
    timeoutMs: 5000,
    lookup: (_name, _options, found) => found(Object.assign(new Error('not there'), { code: 'ENOTFOUND' }), []),
  });
  await assert.rejects(open(refusing, to(port, 'store.test')), { code: 'ENOTFOUND' });
});

test('one that says nothing to a handshake is given up after the limit, and the connection is closed', async (t) => {
  const accepted: Socket[] = [];
  const server = net.createServer((socket) => void accepted.push(socket.resume()));
  const port = await listen(t, server);
  const startedAt = performance.now();
  const silent = open(createConnector({ timeoutMs: 200 }), to(port, '127.0.0.1', 'https:'));
  await assert.rejects(silent, { code: 'ETIMEDOUT', message: /200 ms/ });
  assert.ok(performance.now() - startedAt < 2000);
  await until(() => accepted[0]?.destroyed === true);
});

test('one that ends before TLS was agreed is told of, below a tunnel too', async (t) => {
  const port = await listen(
    t,
    net.createServer((socket) => void socket.end()),
  );
  const connect = createConnector({ timeoutMs: 5000 });
  await assert.rejects(open(connect, to(port, '127.0.0.1', 'https:')), { code: 'ECONNRESET' });
  const over = await open(connect, to(port));
  await assert.rejects(open(connect, { ...to(port, 'store.test', 'https:'), over }), { code: 'ECONNRESET' });
  const silentPort = await listen(t, net.createServer());
  const silent = await open(connect, to(silentPort));
  const agreed = open(connect, { ...to(silentPort, 'store.test', 'https:'), over: silent });
  await sleep(50);
  silent.destroy();
  await assert.rejects(agreed, { code: 'ECONNRESET' });
});

test('a process that stood still for longer than the limit hears of what was opened meanwhile', async (t) => {
  const port = await listen(t, net.createServer());
  const opened = open(createConnector({ timeoutMs: 200 }), to(port));
  for (const until = performance.now() + 400; performance.now() < until;);
  (await opened).destroy();
});

test('the limit is for opening: what is open stays', async (t) => {
  const port = await listen(t, net.createServer());
  const socket = await open(createConnector({ timeoutMs: 100 }), to(port));
  await sleep(200);
  assert.equal(socket.destroyed, false);
  socket.destroy();
});

test(
  'a name is said in the handshake, an address is not; both are what the certificate is checked for',
  { skip: withoutOpenssl },
  async (t) => {
    const said: (string | false | null)[] = [];
    const server = tls.createServer({
      cert: read('certFile'),
      key: read('keyFile'),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    server.on('secureConnection', (socket) => said.push(socket.servername, socket.alpnProtocol));
    const port = await listen(t, server);
    const connect = createConnector({ timeoutMs: 5000, ca: [read('caFile')], lookup });
    for (const hostname of ['localhost', '127.0.0.1']) {
      const socket = (await open(connect, to(port, hostname, 'https:'))) as TLSSocket;
      assert.equal(socket.authorized, true);
      const heard = hostname === 'localhost' ? 2 : 4;
      await until(() => said.length === heard);
      socket.destroy();
    }
    assert.deepEqual(said, ['localhost', 'http/1.1', false, 'http/1.1']);
    const over = await open(connect, to(port));
    const tunnelled = (await open(connect, { ...to(port, 'localhost', 'https:'), over })) as TLSSocket;
    assert.equal(tunnelled.authorized, true);
    tunnelled.destroy();
  },
);

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a session is gone on with, for the same host only`, { skip: withoutOpenssl }, async (t) => {
    const port = await listenSecure(t, { minVersion: version, maxVersion: version });
    const connect = createConnector({ timeoutMs: 5000, ca: [read('caFile')], lookup });
    const isReused = async (hostname: string): Promise<boolean> => {
      const socket = (await open(connect, to(port, hostname, 'https:'))) as TLSSocket;
      await once(socket, 'data');
      // A session may be told of right behind it.
      await sleep(20);
      const reused = socket.isSessionReused();
      socket.destroy();
      return reused;
    };
    assert.equal(await isReused('localhost'), false);
    assert.equal(await isReused('localhost'), true);
    assert.equal(await isReused('127.0.0.1'), false);
  });

  test(`${version}: a session that the server chokes on is forgotten`, { skip: withoutOpenssl }, async (t) => {
    const settings = { cert: read('certFile'), key: read('keyFile'), minVersion: version, maxVersion: version };
    const server = tls.createServer(settings, (socket) => socket.on('error', () => undefined).write('hello'));
    const breakOff = (socket: Socket): void => void socket.destroy();
    const port = await listen(t, server);
    const connect = createConnector({ timeoutMs: 5000, ca: [read('caFile')], lookup });
    const first = (await open(connect, to(port, 'localhost', 'https:'))) as TLSSocket;
    await once(first, 'data');
    await sleep(20);
    first.destroy();
    server.prependListener('connection', breakOff);
    await assert.rejects(open(connect, to(port, 'localhost', 'https:')));
    server.off('connection', breakOff);
    const third = (await open(connect, to(port, 'localhost', 'https:'))) as TLSSocket;
    assert.equal(third.isSessionReused(), false);
    third.destroy();
  });

  test(`${version}: a certificate of another is refused, and refused again`, { skip: withoutOpenssl }, async (t) => {
    const port = await listenSecure(t, { minVersion: version, maxVersion: version });
    const connect = createConnector({ timeoutMs: 5000, ca: [read('caFile')], lookup });
    const strange = createConnector({ timeoutMs: 5000, lookup });
    for (let tries = 0; tries < 3; tries++) {
      const other = open(connect, to(port, 'store.test', 'https:'));
      await assert.rejects(other, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      await assert.rejects(open(strange, to(port, 'localhost', 'https:')), {
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
    }
  });
}

test('a version of TLS below the least is refused', { skip: withoutOpenssl }, async (t) => {
  const port = await listenSecure(t, { maxVersion: 'TLSv1.2' });
  const connect = createConnector({ timeoutMs: 5000, ca: [read('caFile')], minVersion: 'TLSv1.3' });
  await assert.rejects(open(connect, to(port, '127.0.0.1', 'https:')), /alert|version|protocol/i);
});
