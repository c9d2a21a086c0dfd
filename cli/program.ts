/**
 * The command line: reads which command is named, loads that one alone, runs it, and turns however it ends into an exit code. A
 * command returns when it is done, sets `process.exitCode` for an end of its own (3: partial), or throws.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands.ts';
import { toExitCode } from './exit-code.ts';
import { printFailure } from './print-failure.ts';

const USAGE = 2;

/** `args` without node and script. Returns the exit code; failures are on stderr by then. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return toUsageExitCode(error);
    process.stderr.write(printFailure(error));
    return toExitCode(error);
  }
}

async function buildProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('waybill')
    .description('Moves objects between S3-compatible stores, durably, with a proof at the end.')
    .version(readVersion())
    .showHelpAfterError('(see waybill --help)');
  const named = args[0] === 'help' ? args[1] : args[0];
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    program.addCommand(name === named ? await load() : new Command(name).description(summary));
  }
  setUp(program);
  return program;
}

/** Commands that were built elsewhere inherit nothing, so each is told. */
function setUp(command: Command): void {
  command.exitOverride().configureOutput({
    outputError: (text, write) => {
      write(`waybill: ${text.replace(/^error: /, '')}`);
    },
  });
  for (const child of command.commands) setUp(child);
}

/** Commander ends with 1 for what the caller got wrong, and with 0 after help and version. */
function toUsageExitCode(error: CommanderError): number {
  return error.exitCode === 1 ? USAGE : error.exitCode;
}

function readVersion(): string {
  // One directory up from cli/, two from dist/cli/.
  const up = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string };
  return version;
}
