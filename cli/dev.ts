/** `waybill dev`: everything on this machine. */
import path from 'node:path';
import { Command } from 'commander';
import { EndedEarly } from '../dev/child.ts';
import { removeState } from '../dev/remove-state.ts';
import { startStack, type Stack, type StackOptions } from '../dev/stack.ts';
import { environmentFile, writeAccess } from './dev-access.ts';
import { quoteShell } from './sign/quote-shell.ts';

/** Where a person expects them; one that is taken is replaced by a free one. */
const PORTS = { api: 8080, gateway: 9000, storeA: 9001, storeB: 9002, temporal: 7233, temporalUi: 8233 };

export function buildDevCommand(): Command {
  return new Command('dev')
    .description('run everything on this machine: stores, gateway, worker, API, Temporal, Postgres')
    .option('--state-dir <dir>', 'where its state lives', '.waybill')
    .option('--fresh', 'throw the state away and start over; waybill.yaml stays if you have edited it', false)
    .action(async (options: { stateDir: string; fresh: boolean }) => {
      const stateDir = path.resolve(options.stateDir);
      const say = (line: string): void => void process.stderr.write(`${line}\n`);
      if (options.fresh && (await removeState(stateDir))) {
        say(`kept ${path.join(stateDir, 'waybill.yaml')}, which was edited, and its ports; remove it for a new one`);
      }
      // Heard from the beginning: what was started by then must not be left running.
      const ending = new AbortController();
      const ended = new Promise<void>((resolve) => {
        ending.signal.addEventListener('abort', () => resolve(), { once: true });
      });
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
      const stack = await start({ stateDir, say, signal: ending.signal });
      if (stack === null) return;
      await writeAccess(stack);
      process.stdout.write(printStack(stack));
      await ended;
      say('stopping');
      await stack.stop();
    });
}

/** Of the exit codes of our processes those that are no defect: usage, and refused or unreachable. */
const TOLD = [2, 4];

/** Null: it was told to end before it was up, or could not be, which has been said; what was started is stopped. */
async function start(options: Pick<StackOptions, 'stateDir' | 'say'> & { signal: AbortSignal }): Promise<Stack | null> {
  try {
    return await startStack({ ...options, fast: false, ports: PORTS, supervise: true });
  } catch (error) {
    if (options.signal.aborted) return null;
    if (!(error instanceof EndedEarly) || typeof error.end !== 'number' || !TOLD.includes(error.end)) throw error;
    // What it said last is its own failure, with a hint.
    options.say(`waybill: ${error.message}`);
    process.exitCode = error.end;
    return null;
  }
}

function printStack(stack: Stack): string {
  const { ports } = stack;
  const processes = (['store-a', 'store-b', 'gateway', 'worker', 'api'] as const)
    .map((name) => `${name}=${stack.child(name).pid}`)
    .join(' ');
  return [
    'waybill dev is up',
    `  API          ${stack.apiUrl}   (docs at ${stack.apiUrl}/docs)`,
    `  token        ${stack.secrets.apiToken}`,
    `  Temporal UI  ${stack.temporalUiUrl ?? '(not ours)'}`,
    `  gateway      ${stack.gatewayUrl}`,
    `  store a      http://127.0.0.1:${ports.storeA}   bucket source`,
    `  store b      http://127.0.0.1:${ports.storeB}   bucket target`,
    `  Postgres     127.0.0.1:${ports.postgres}`,
    `  Temporal     ${stack.temporalAddress}`,
    `  config       ${stack.configFile}`,
    `  secrets      ${path.join(stack.stateDir, 'secrets.json')}`,
    `  environment  ${environmentFile(stack)}   (what the config refers to, for a shell to source)`,
    `  logs         ${path.join(stack.stateDir, 'logs')}`,
    `  processes    ${processes}`,
    'try: npx waybill run a-to-b --wait',
    `     . ${quoteShell(environmentFile(stack))} && npx waybill doctor a --config ${quoteShell(stack.configFile)} --bucket source`,
    '',
  ].join('\n');
}
