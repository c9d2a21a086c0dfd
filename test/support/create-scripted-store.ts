/** An S3 store over a scripted server, and every call of its traffic listener. */
import type { TestContext } from 'node:test';
import type { Operation } from '../../core/traffic.ts';
import { createS3Store } from '../../stores/s3/s3-store.ts';
import type { S3StoreOptions } from '../../stores/s3/s3-store.ts';
import type { Store } from '../../stores/store.ts';
import { startScriptedServer } from './start-scripted-server.ts';
import type { Script, ScriptedServer } from './start-scripted-server.ts';

export type TrafficCall = readonly [operation: Operation, bytesIn: number, bytesOut: number];

export interface ScriptedStore {
  readonly store: Store;
  readonly server: ScriptedServer;
  readonly traffic: TrafficCall[];
}

export async function createScriptedStore(
  context: TestContext,
  script: Script,
  options: Partial<S3StoreOptions> = {},
): Promise<ScriptedStore> {
  const server = await startScriptedServer(script);
  const traffic: TrafficCall[] = [];
  const store = createS3Store({
    name: 'scripted',
    endpoint: server.endpoint,
    region: 'us-east-1',
    addressing: 'path',
    credentials: () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example-secret' }),
    onTraffic: (...call) => traffic.push(call),
    // Far longer than any answer takes: tests of the limit have one of their own.
    requestLimitMs: 60_000,
    connectionsMax: 4,
    etags: 'md5',
    ...options,
  });
  context.after(async () => {
    await store.close();
    await server.close();
  });
  return { store, server, traffic };
}
