/**
 * What another terminal needs beside a stack that runs: the API's address and token for `waybill run` and `waybill runs`, and for
 * the commands that read the configuration (`doctor`, `gateway`, `worker`, …) every variable that it refers to. Both files hold
 * secrets, as the stack's secrets.json does, and are their owner's alone.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { toEnvironments } from '../dev/secrets.ts';
import type { Stack } from '../dev/stack.ts';
import { quoteShell } from './sign/quote-shell.ts';

/** Read by `api-client.ts` where nothing is exported. */
const ACCESS_FILE = 'access.json';
/** To be sourced by a shell. */
const ENVIRONMENT_FILE = 'env.sh';

type Reached = Pick<Stack, 'stateDir' | 'secrets' | 'databaseUrl' | 'apiUrl'>;

export async function writeAccess(stack: Reached): Promise<void> {
  const access = { url: stack.apiUrl, token: stack.secrets.apiToken };
  await writeFile(path.join(stack.stateDir, ACCESS_FILE), JSON.stringify(access, null, 2), { mode: 0o600 });
  await writeFile(environmentFile(stack), printEnvironment(stack), { mode: 0o600 });
}

export const environmentFile = (stack: Pick<Stack, 'stateDir'>): string => path.join(stack.stateDir, ENVIRONMENT_FILE);

function printEnvironment({ secrets, databaseUrl, apiUrl }: Reached): string {
  const { gateway, worker, api } = toEnvironments(secrets, databaseUrl);
  const variables = { WAYBILL_URL: apiUrl, WAYBILL_TOKEN: secrets.apiToken, ...api, ...worker, ...gateway };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quoteShell(value)}\n`);
  return `# The environment of the development stack, written at each start: secrets, as in secrets.json.\n${lines.join('')}`;
}
