/**
 * `waybill explain [FILE|-] [OTHER]`: why a signature fails. Reads one side or two, in whatever form they come; the secret comes from
 * the environment or from a prompt, never from a flag, and neither it nor anything made of it is printed.
 */
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { text as readStream } from 'node:stream/consumers';
import { Writable } from 'node:stream';
import { Command, Option } from 'commander';
import { EVIDENCE_KINDS, type Evidence, type EvidenceKind } from '../sigv4/evidence/evidence.ts';
import { EXPECTED, explainNothing, readEvidence } from '../sigv4/evidence/read-evidence.ts';
import { cleanSecret } from '../sigv4/explain/clean-secret.ts';
import { explain } from '../sigv4/explain/explain.ts';
import { printExplanation } from '../sigv4/explain/print-explanation.ts';
import { findSensitive } from '../sigv4/explain/find-sensitive.ts';
import { redactExplanation } from '../sigv4/explain/redact.ts';
import { nodeCrypto } from '../sigv4/node-crypto.ts';

interface ExplainOptions {
  readonly as?: EvidenceKind;
  readonly prompt?: true;
  readonly json?: true;
}

const USAGE = 2;

const EXIT_CODES = `
Exit codes:
  0  the cause was found, or the signature holds
  1  the cause was not found
  2  there was nothing to explain: no such file, or nothing in it was recognised`;

export function buildExplainCommand(): Command {
  return new Command('explain')
    .description('find out why the signature of a request fails')
    .argument('[input]', 'a file, - for stdin, or the text itself', '-')
    .argument('[other]', 'the other side: another request, a log, or the error document of the server')
    .addOption(new Option('--as <kind>', 'read the input as this kind').choices(EVIDENCE_KINDS))
    .option('--prompt', 'ask for the secret access key; default: AWS_SECRET_ACCESS_KEY, if it is set')
    .option('--json', 'print the explanation as JSON')
    .addHelpText('after', EXIT_CODES)
    .action(async (input: string, other: string | undefined, options: ExplainOptions, command: Command) => {
      const texts = [await readInput(input, command)];
      if (other !== undefined) texts.push(await readInput(other, command));
      const sides = texts.flatMap((text) => requireEvidence(text, options.as, command));
      const secret = await findSecret(options.prompt === true, command);
      const sensitive = findSensitive(texts, secret === null ? [] : [secret, cleanSecret(secret)?.secret ?? secret]);
      const explanation = redactExplanation(
        explain(sides.slice(0, 2), { crypto: nodeCrypto, secret, now: Date.now() }),
        sensitive,
      );
      process.stdout.write(
        options.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : printExplanation(explanation),
      );
      if (explanation.verdict === 'unknown') process.exitCode = 1;
    });
}

async function readInput(input: string, command: Command): Promise<string> {
  if (input === '-') return await readStream(process.stdin);
  const found = statSync(input, { throwIfNoEntry: false });
  if (found !== undefined) {
    if (found.isDirectory()) command.error(`a directory is no evidence: ${EXPECTED}`, { exitCode: USAGE });
    return readFileSync(input, 'utf8');
  }
  // A name of a file that is not there is no evidence; everything that is one has a blank, a colon or a bracket. It is not repeated:
  // it may be a secret that somebody took for an argument.
  if (!/[\s:<{]/.test(input))
    command.error(`there is no file with the name of the argument: ${EXPECTED}`, { exitCode: USAGE });
  return input;
}

function requireEvidence(text: string, as: EvidenceKind | undefined, command: Command): readonly Evidence[] {
  const found = readEvidence(text, as);
  if (found.length > 0) return found;
  // Read as what it is not, it may well be something else.
  const [other] = as === undefined ? [] : readEvidence(text);
  const why =
    other === undefined
      ? explainNothing(text)
      : `nothing to explain was recognised as ${String(as)}; without --as it is read as ${other.label}: ${EXPECTED}`;
  command.error(why, { exitCode: USAGE });
}

async function findSecret(ask: boolean, command: Command): Promise<string | null> {
  if (!ask) return process.env['AWS_SECRET_ACCESS_KEY'] ?? null;
  process.stderr.write('Secret access key (not shown): ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  // A question whose input ends is never answered.
  const ended = new Promise<null>((resolve) => reader.once('close', () => resolve(null)));
  const answer = await Promise.race([reader.question(''), ended]);
  reader.close();
  process.stderr.write('\n');
  if (answer === null)
    command.error('--prompt: the input ended before a secret was typed; it needs a terminal, and the evidence a file', {
      exitCode: USAGE,
    });
  return answer;
}
