/**
 * `waybill explain [FILE|-] [OTHER]`: why a signature fails. Reads one side or two, in whatever form they come; the secret comes from
 * the environment or from a prompt, never from a flag, and neither it nor anything made of it is printed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { text as readStream } from 'node:stream/consumers';
import { Writable } from 'node:stream';
import { Command, Option } from 'commander';
import { EVIDENCE_KINDS, type Evidence, type EvidenceKind } from '../sigv4/evidence/evidence.ts';
import { EXPECTED, readEvidence } from '../sigv4/evidence/read-evidence.ts';
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

export function buildExplainCommand(): Command {
  return new Command('explain')
    .description('find out why the signature of a request fails')
    .argument('[input]', 'a file, - for stdin, or the text itself', '-')
    .argument('[other]', 'the other side: another request, a log, or the error document of the server')
    .addOption(new Option('--as <kind>', 'read the input as this kind').choices(EVIDENCE_KINDS))
    .option('--prompt', 'ask for the secret access key; default: AWS_SECRET_ACCESS_KEY, if it is set')
    .option('--json', 'print the explanation as JSON')
    .action(async (input: string, other: string | undefined, options: ExplainOptions, command: Command) => {
      const texts = [await readInput(input, command)];
      if (other !== undefined) texts.push(await readInput(other, command));
      const sides = texts.flatMap((text) => requireEvidence(text, options.as, command));
      const secret = await findSecret(options.prompt === true);
      const sensitive = findSensitive(texts, secret === null ? [] : [secret]);
      const explanation = redactExplanation(explain(sides.slice(0, 2), { crypto: nodeCrypto, secret }), sensitive);
      process.stdout.write(
        options.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : printExplanation(explanation),
      );
      if (explanation.verdict === 'unknown') process.exitCode = 1;
    });
}

async function readInput(input: string, command: Command): Promise<string> {
  if (input === '-') return await readStream(process.stdin);
  if (existsSync(input)) return readFileSync(input, 'utf8');
  // A name of a file that is not there is no evidence; everything that is one has a blank, a colon or a bracket.
  if (!/[\s:<{]/.test(input)) command.error(`cannot read ${input}: no such file; ${EXPECTED}`, { exitCode: USAGE });
  return input;
}

function requireEvidence(text: string, as: EvidenceKind | undefined, command: Command): readonly Evidence[] {
  const found = readEvidence(text, as);
  if (found.length > 0) return found;
  // Read as what it is not, it may well be something else.
  const [other] = as === undefined ? [] : readEvidence(text);
  const hint = other === undefined ? '' : ` as ${String(as)}; without --as it is read as ${other.label}`;
  command.error(`nothing to explain was recognised${hint}: ${EXPECTED}`, { exitCode: USAGE });
}

async function findSecret(ask: boolean): Promise<string | null> {
  if (!ask) return process.env['AWS_SECRET_ACCESS_KEY'] ?? null;
  process.stderr.write('Secret access key (not shown): ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await reader.question('');
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
