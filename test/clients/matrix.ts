/** One client at one endpoint: every operation that it has, one after the other. */
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Client, ClientSession } from './client.ts';
import type { Endpoint } from './endpoints.ts';
import { OPERATIONS, type Operation, type Scene } from './operations.ts';

export interface Cell {
  readonly operation: string;
  /** Null where the client has no such command. */
  readonly passed: boolean | null;
  /** What the client said, and what the store had been asked meanwhile; '' when it passed. */
  readonly evidence: string;
}

export async function runClient(client: Client, endpoint: Endpoint, temporaryDir: string): Promise<Cell[]> {
  const scratch = await mkdtemp(path.join(temporaryDir, 'client-'));
  const prefix = `${client.name.replaceAll(/[^a-z0-9]/g, '')}/`;
  let session: ClientSession | null = null;
  try {
    session = await client.open(endpoint, scratch);
    const scene = { client, session, endpoint, scratch, prefix };
    const cells: Cell[] = [];
    for (const operation of OPERATIONS) cells.push(await runOperation(operation, scene));
    return cells;
  } catch (error) {
    return OPERATIONS.map(({ name }) => ({ operation: name, passed: false, evidence: print(error) }));
  } finally {
    await session?.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runOperation(operation: Operation, scene: Scene): Promise<Cell> {
  const { name, needs } = operation;
  if (needs.some((need) => scene.client.lacks.includes(need))) return { operation: name, passed: null, evidence: '' };
  scene.endpoint.reset();
  try {
    await operation.run(scene);
    return { operation: name, passed: true, evidence: '' };
  } catch (error) {
    const asked = scene.endpoint
      .records()
      .slice(-20)
      .map(({ operation, status, code }) => `${operation} ${String(status)} ${code}`.trim());
    return { operation: name, passed: false, evidence: `${print(error)}\nthe store was asked: ${asked.join(', ')}` };
  }
}

const print = (error: unknown): string => (error instanceof Error ? error.message : String(error));
