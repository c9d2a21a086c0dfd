/**
 * The demo: a whole stack, real input in store a, a run to store b, and the proof that doing it again does nothing. It fails when
 * anything that it shows does not hold.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createApiClient, type RunJson, type StartedJson } from '../cli/api-client.ts';
import { followRun, followVerification } from '../cli/follow-run.ts';
import { printBytes } from '../cli/print-run.ts';
import { WaybillError } from '../core/failures.ts';
import { compareObjects } from './compare-objects.ts';
import { listDemoObjects, putDemoObjects } from './demo-input.ts';
import { openStore } from './open-store.ts';
import { startStack, type Stack } from './stack.ts';
import { readStoreCounts, subtractCounts, type StoreCounts } from './store-counts.ts';

const SMALL_OBJECTS = 2000;
const PREFIX = 'copy/';
/** What moves an object's bytes; LIST and HEAD look and move nothing. */
const MOVING = ['GetObject', 'PutObject', 'UploadPart', 'CopyObject', 'UploadPartCopy'];

export async function runDemo(print: (line: string) => void): Promise<void> {
  const startedAt = Date.now();
  const stateDir = await mkdtemp(path.join(os.tmpdir(), 'waybill-demo-'));
  const seconds = (): string => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
  let stack: Stack | undefined;
  const stop = async (): Promise<void> => {
    await stack?.stop();
    await rm(stateDir, { recursive: true, force: true });
  };
  const ending = new AbortController();
  const interrupted = (): void => {
    // While it starts, nobody but the start knows what is running.
    ending.abort(new Error('interrupted'));
    if (stack !== undefined) void stop().then(() => process.exit(1));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    print('starting Postgres, Temporal, two stores, the gateway, a worker and the API …');
    stack = await startStack({ stateDir, fast: true, say: print, signal: ending.signal });
    print(`[${seconds()}] up: API ${stack.apiUrl}, Temporal UI ${stack.temporalUiUrl ?? '-'}`);
    await demonstrate(stack, (line) => print(`[${seconds()}] ${line}`));
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await stop();
  }
  print(`done in ${seconds()}; nothing is left running`);
}

async function demonstrate(stack: Stack, print: (line: string) => void): Promise<void> {
  const api = createApiClient(stack.apiUrl, stack.secrets.apiToken);
  const stores = [
    openStore(stack.ports.storeA, stack.secrets.storeA),
    openStore(stack.ports.storeB, stack.secrets.storeB),
  ] as const;
  try {
    const objects = listDemoObjects(SMALL_OBJECTS);
    await putDemoObjects(stores[0], 'source', objects);
    const bytes = objects.reduce((sum, object) => sum + object.sizeBytes, 0);
    print(
      `store a holds ${objects.length} objects, ${printBytes(bytes)}: small and large, awkward keys, metadata, tags`,
    );

    const first = await start(stack, api, 'demo-1');
    print(`first run:  ${describe(first)}`);
    expectDone(first.run, objects.length);
    const differences = await compareObjects(stores[1], 'target', objects, (key) => PREFIX + key);
    if (differences.length > 0)
      throw new WaybillError('checksum_mismatch', `the target differs:\n${differences.join('\n')}`);
    print(`every byte, content type, metadata entry and tag at store b was compared: all ${objects.length} equal`);
    print(`manifest    ${first.run.manifest_hash ?? ''}`);

    const again = await start(stack, api, 'demo-1');
    print(`same run:   ${describe(again)}; verified ${again.run.verification?.state ?? '?'}`);
    expectNothingMoved(again.counts, 0);
    const renewed = await start(stack, api, 'demo-2');
    print(`new run_id: ${describe(renewed)}`);
    expectDone(renewed.run, objects.length);
    expectNothingMoved(renewed.counts, 1);
    print('both made 0 object GETs and 0 object PUTs, by the count of the stores; the new run wrote its marker');
  } finally {
    await Promise.all(stores.map((store) => store.close()));
  }
}

interface Observed {
  readonly run: RunJson;
  /** Of both stores, by their own count. */
  readonly counts: StoreCounts;
}

async function start(stack: Stack, api: ReturnType<typeof createApiClient>, runId: string): Promise<Observed> {
  const before = await readBoth(stack);
  const started = await api.send<StartedJson>('POST', '/v1/runs', { pipeline: 'a-to-b', run_id: runId });
  const run = started.verifying ? await followVerification(api, started, true) : await followRun(api, started.id, true);
  return { run, counts: subtractCounts(await readBoth(stack), before) };
}

async function readBoth({ ports }: Stack): Promise<StoreCounts> {
  const [a, b] = await Promise.all([readStoreCounts(ports.storeAAdmin), readStoreCounts(ports.storeBAdmin)]);
  const requests: Record<string, number> = { ...a.requests };
  for (const [operation, count] of Object.entries(b.requests)) requests[operation] = (requests[operation] ?? 0) + count;
  return { requests, bytesIn: a.bytesIn + b.bytesIn, bytesOut: a.bytesOut + b.bytesOut };
}

function describe({ run, counts }: Observed): string {
  const asked = Object.entries(counts.requests).map(([operation, count]) => `${operation} ${count}`);
  const totals = run.totals as RunJson['totals'] | null;
  const money = run.summary?.money.map(
    ({ currency, spent, avoided }) => `${spent.toFixed(4)} ${currency} spent, ${avoided.toFixed(4)} avoided`,
  );
  return [
    `${run.state}, ${totals?.['copied'] ?? 0} copied, ${totals?.['skipped'] ?? 0} skipped`,
    `the stores counted: ${asked.join(', ') || 'nothing'}`,
    ...(money ?? []),
  ].join('; ');
}

function expectDone(run: RunJson, objects: number): void {
  const held = (run.totals as RunJson['totals'] | null)?.['objects'] ?? 0;
  if (run.state === 'done' && held === objects) return;
  throw new WaybillError(
    'incomplete',
    `the run ended ${run.state} with ${held} of ${objects} objects: ${run.failure?.message ?? ''}`,
  );
}

/** `markers`: how many objects a run may put, for its own marker. */
function expectNothingMoved(counts: StoreCounts, markers: number): void {
  const moved = MOVING.reduce((sum, operation) => sum + (counts.requests[operation] ?? 0), 0);
  if (moved !== markers)
    throw new WaybillError('incomplete', `${moved - markers} objects were moved again`, { ...counts.requests });
}
