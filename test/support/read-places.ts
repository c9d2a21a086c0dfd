/** Where a secret could have been left by a stack: its logs, the histories of its workflows, the rows of its ledger. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import pg from 'pg';
import { printDecoded, type Place } from './find-secrets.ts';
import type { RunStack } from './run-stack.ts';

export async function readLogs(stack: RunStack): Promise<Place[]> {
  const dir = path.join(stack.stateDir, 'logs');
  const names = await readdir(dir);
  return Promise.all(
    names.map(async (name) => ({ name: `log ${name}`, text: await readFile(path.join(dir, name), 'utf8') })),
  );
}

export async function readHistories(stack: RunStack): Promise<Place[]> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    const client = new Client({ connection });
    const places: Place[] = [];
    for await (const { workflowId, runId, memo } of client.workflow.list({
      query: `TaskQueue="${path.basename(stack.stateDir)}"`,
    })) {
      const history = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory());
      places.push({
        name: `history ${workflowId}`,
        text: `${printDecoded(JSON.parse(history))}\n${JSON.stringify(memo)}`,
      });
    }
    return places;
  } finally {
    await connection.close();
  }
}

export async function readTables(stack: RunStack): Promise<Place[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I', table_name) as name from information_schema.tables where table_schema = 'public'`,
    );
    const places: Place[] = [];
    for (const { name } of tables.rows) {
      const rows = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
      places.push({ name: `table ${name}`, text: rows.rows.map(({ row }) => row).join('\n') });
    }
    return places;
  } finally {
    await client.end();
  }
}
