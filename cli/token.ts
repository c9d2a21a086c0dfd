/** `waybill token create NAME`: a token for the API, shown once; the configuration holds its hash. */
import { createHash, randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { WaybillError } from '../core/failures.ts';
import { isName } from '../core/ids.ts';

/** 256 bits: it cannot be guessed, so a plain SHA-256 of it is as good as a slow hash. */
const TOKEN_BYTES = 32;

interface TokenOptions {
  readonly role: 'viewer' | 'operator';
  readonly json?: boolean;
}

export function buildTokenCommand(): Command {
  const create = new Command('create')
    .description('make a token, show it once, and print what the configuration needs')
    .argument('<name>', 'a-z 0-9 _ -, up to 63 long; it stands in the audit log')
    .addOption(new Option('--role <role>', 'what the token may do').choices(['viewer', 'operator']).default('viewer'))
    .option('--json', 'print JSON')
    .action((name: string, options: TokenOptions) => {
      process.stdout.write(printToken(name, options));
    });
  return new Command('token').description('make a token for the API').addCommand(create);
}

/** @throws invalid_request for a name that the configuration would refuse */
function printToken(name: string, { role, json = false }: TokenOptions): string {
  if (!isName(name)) throw new WaybillError('invalid_request', 'a name of a token is a-z 0-9 _ -, up to 63 long');
  const token = `wb_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  if (json) return `${JSON.stringify({ name, role, token, sha256 })}\n`;
  return `token: ${token}
It is shown this once. Give it to whoever is to use it, as WAYBILL_TOKEN, and add this to the configuration:

api:
  tokens:
    - { name: '${name}', role: ${role}, sha256: '${sha256}' }
`;
}
