/**
 * What verifying and signing costs: PUT and GET of 4 KiB and of 64 MiB through `waybill gateway` to a store that keeps nothing, against a
 * server of the same make that forwards without looking. Caller, gateway, forwarder and store are a process each; the two are asked by
 * turns with the same work, and the medians of the rounds are compared. Where aws-sigv4-proxy is on PATH it is asked as well: it signs
 * for its callers as the gateway does, and verifies nobody. Needs a build.
 *
 * node --import tsx bench/gateway-cost.ts [ROUNDS] [CASE]...     CASE: put-4k get-4k put-64m get-64m
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from './gateway-cost/load.ts';
import { readArguments, toCount, toOneOf } from './run/arguments.ts';
import { findOnPath } from './run/find-on-path.ts';
import {
  readCpuSeconds,
  readPeakMiB,
  startGateway,
  startLoad,
  startServer,
  startSigningProxy,
  stop,
  type Load,
  type Server,
} from './gateway-cost/processes.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

interface Case extends Omit<Job, 'port'> {
  readonly name: string;
  /** Of the forwarder's rate, that the gateway has to reach. */
  readonly atLeast: number;
}

const CASES: readonly Case[] = [
  { name: 'put-4k', method: 'PUT', sizeBytes: 4 * KiB, requests: 5_000, inFlight: 16, atLeast: 0.6 },
  { name: 'get-4k', method: 'GET', sizeBytes: 4 * KiB, requests: 5_000, inFlight: 16, atLeast: 0.6 },
  { name: 'put-64m', method: 'PUT', sizeBytes: 64 * MiB, requests: 16, inFlight: 8, atLeast: 0.5 },
  { name: 'get-64m', method: 'GET', sizeBytes: 64 * MiB, requests: 16, inFlight: 8, atLeast: 0.5 },
];
const PEAK_MIB_MAX = 200;

interface Figures {
  readonly perSecond: number[];
  readonly cpuSeconds: number[];
}

const CASE_NAMES = CASES.map(({ name }) => name);
const { rounds, cases } = readArguments(
  `node --import tsx bench/gateway-cost.ts [ROUNDS] [CASE]...     CASE: ${CASE_NAMES.join(' ')}`,
  ([roundsText = '7', ...names]) => {
    for (const name of names) toOneOf('CASE', name, CASE_NAMES);
    return {
      rounds: toCount('ROUNDS', roundsText),
      cases: CASES.filter(({ name }) => names.length === 0 || names.includes(name)),
    };
  },
);

const directory = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
const children: ChildProcess[] = [];
// Ended early, it leaves nobody behind.
process.once('exit', () => children.forEach((child) => child.kill()));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  const store = started(await startServer('null-store.ts', []));
  const forwarder = started(await startServer('forwarder.ts', [String(store.port)]));
  const gateway = started(await startGateway(directory, store.port));
  const proxyFile = await findOnPath('aws-sigv4-proxy');
  const proxy = proxyFile === null ? null : started(await startSigningProxy(proxyFile, store.port));
  const load = startLoad();
  children.push(load.child);
  for (const one of cases) await measure(one, { forwarder, gateway, proxy, load });
} finally {
  for (const child of children.reverse()) await stop(child);
  await rm(directory, { recursive: true, force: true });
}

function started(server: Server): Server {
  children.push(server.child);
  return server;
}

interface Parts {
  readonly forwarder: Server;
  readonly gateway: Server;
  readonly proxy: Server | null;
  readonly load: Load;
}

async function measure(one: Case, { forwarder, gateway, proxy, load }: Parts): Promise<void> {
  const asked: Figures = { perSecond: [], cpuSeconds: [] };
  const plain: Figures = { perSecond: [], cpuSeconds: [] };
  const peer: Figures = { perSecond: [], cpuSeconds: [] };
  // First without counting, for code that is compiled while it runs and connections that are opened.
  const warmUps = one.sizeBytes < MiB ? 3 : 1;
  for (let count = 0; count < warmUps; count++) {
    for (const server of [forwarder, gateway, ...(proxy === null ? [] : [proxy])])
      await load.run({ ...one, port: server.port });
  }
  for (let round = 0; round < rounds; round++) {
    await take(one, forwarder, load, plain);
    await take(one, gateway, load, asked);
    if (proxy !== null) await take(one, proxy, load, peer);
  }
  report(one, plain, asked, readPeakMiB(forwarder.child), readPeakMiB(gateway.child));
  if (proxy === null) {
    console.log('  aws-sigv4-proxy is not on PATH: not measured');
  } else {
    const ratio = median(peer.cpuSeconds) / median(asked.cpuSeconds);
    console.log(`  aws-sigv4-proxy  ${print(one, peer)}, at most ${readPeakMiB(proxy.child).toFixed(0)} MiB`);
    console.log(`  gateway's rate per CPU second against it × ${ratio.toFixed(2)}`);
  }
}

async function take(one: Case, server: Server, load: Load, figures: Figures): Promise<void> {
  const before = readCpuSeconds(server.child);
  const ms = await load.run({ ...one, port: server.port });
  figures.perSecond.push((one.requests * 1000) / ms);
  figures.cpuSeconds.push(readCpuSeconds(server.child) - before);
}

function report(one: Case, plain: Figures, asked: Figures, plainMiB: number, peakMiB: number): void {
  const ratio = median(asked.perSecond) / median(plain.perSecond);
  console.log(`${one.name}, ${String(one.inFlight)} in flight, ${String(rounds)} rounds`);
  console.log(`  forwarder  ${print(one, plain)}, at most ${plainMiB.toFixed(0)} MiB`);
  console.log(`  gateway    ${print(one, asked)}, at most ${peakMiB.toFixed(0)} MiB`);
  const verdict = ratio >= one.atLeast && !(peakMiB > PEAK_MIB_MAX) ? 'holds' : 'MISSED';
  const cpuRatio = median(plain.cpuSeconds) / median(asked.cpuSeconds);
  console.log(
    `  rate × ${ratio.toFixed(2)} (at least ${String(one.atLeast)}), by CPU alone × ${cpuRatio.toFixed(2)}, ` +
      `memory at most ${String(PEAK_MIB_MAX)} MiB: ${verdict}`,
  );
}

function print(one: Case, figures: Figures): string {
  const isSmall = one.sizeBytes < MiB;
  const unit = isSmall ? 1 : one.sizeBytes / MiB;
  const per = isSmall ? 10_000 / one.requests : (1024 * MiB) / (one.requests * one.sizeBytes);
  return (
    `${(median(figures.perSecond) * unit).toFixed(0)} ${isSmall ? 'requests' : 'MiB'}/s, ` +
    `${(median(figures.cpuSeconds) * per).toFixed(2)} s of CPU per ${isSmall ? '10,000 requests' : 'GiB'}`
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
