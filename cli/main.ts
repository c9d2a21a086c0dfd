/** The entry point; `cli/waybill.js` starts it when it is built, `node --import tsx cli/main.ts` without a build. */
import { toExitCode } from './exit-code.ts';
import { printFailure } from './print-failure.ts';
import { runProgram } from './program.ts';

/** A reader that left is no failure; output that cannot be written (a full disk) is. */
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(printFailure(error));
    process.exitCode = toExitCode(error);
  });
}

process.once('uncaughtException', (error) => {
  process.stderr.write(printFailure(error));
  process.exit(toExitCode(error));
});

const exitCode = await runProgram(process.argv.slice(2));
// A failure to write may have come first.
if (exitCode !== 0) process.exitCode = exitCode;
