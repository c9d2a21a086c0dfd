/** `waybill dev`: everything on this machine. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command } from 'commander';
import { removeState, startStack, type Stack } from '../dev/stack.ts';

/** Where a person expects them; one that is taken is replaced by a free one. */
const PORTS = { api: 8080, gateway: 9000, storeA: 9001, storeB: 9002, temporal: 7233, temporalUi: 8233 };

export function buildDevCommand(): Command {
  return new Command('dev')
    .description('run everything on this machine: stores, gateway, worker, API, Temporal, Postgres')
    .option('--state-dir <dir>', 'where its state lives', '.waybill')
    .option('--fresh', 'throw the state away and start over', false)
    .action(async (options: { stateDir: string; fresh: boolean }) => {
      const stateDir = path.resolve(options.stateDir);
      if (options.fresh) await removeState(stateDir);
      const say = (line: string): void => void process.stderr.write(`${line}\n`);
      const stack = await startStack({ stateDir, fast: false, say, ports: PORTS, supervise: true });
      await writeAccess(stack);
      process.stdout.write(printStack(stack));
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
      });
      say('stopping');
      await stack.stop();
    });
}

/** The CLI finds the API and its token here, so that nothing has to be exported. */
async function writeAccess(stack: Stack): Promise<void> {
  const access = { url: stack.apiUrl, token: stack.secrets.apiToken };
  await writeFile(path.join(stack.stateDir, 'access.json'), JSON.stringify(access, null, 2), { mode: 0o600 });
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
    `  logs         ${path.join(stack.stateDir, 'logs')}`,
    `  processes    ${processes}`,
    'try: npx waybill run a-to-b --wait',
    '',
  ].join('\n');
}
