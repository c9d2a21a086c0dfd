/** `waybill demo`: bring up a stack, move real objects twice, and show what it proves. */
import { Command } from 'commander';
import { runDemo } from '../dev/demo.ts';

export function buildDemoCommand(): Command {
  return new Command('demo')
    .description('bring up a stack, move real objects twice, and show what it proves; leaves nothing behind')
    .action(() => runDemo((line) => void process.stdout.write(`${line}\n`)));
}
