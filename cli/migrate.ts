/** `waybill migrate`: brings the ledger's schema up to date. Running it again, or by several at once, does no harm. */
import { Command, Option } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { resolveSecret } from '../config/resolve-secret.ts';
import { WaybillError } from '../core/failures.ts';
import { migrate } from '../ledger/postgres/migrate.ts';

interface MigrateCommandOptions {
  readonly config?: string;
  readonly databaseUrl?: string;
  readonly json?: boolean;
}

/** Failures are thrown as WaybillErrors: invalid_config, ledger_unavailable. */
export function buildMigrateCommand(): Command {
  return new Command('migrate')
    .description('bring the schema of the ledger up to date')
    .option('--config <file>', 'the configuration, whose database is taken')
    .addOption(
      new Option('--database-url <url>', 'the database; other users see it in the list of processes').conflicts(
        'config',
      ),
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nWithout either option the database is that of WAYBILL_DATABASE_URL.')
    .action(async (options: MigrateCommandOptions) => {
      const { applied } = await migrate(await findUrl(options));
      const text = applied.length === 0 ? 'the schema is up to date' : `applied ${applied.join(', ')}`;
      process.stdout.write(options.json === true ? `${JSON.stringify({ applied })}\n` : `waybill migrate: ${text}\n`);
    });
}

async function findUrl({ config: file, databaseUrl }: MigrateCommandOptions): Promise<string> {
  if (databaseUrl !== undefined) return databaseUrl;
  if (file === undefined) return resolveSecret('env:WAYBILL_DATABASE_URL');
  const { database } = await loadConfig(file);
  if (database === null) {
    throw new WaybillError('invalid_config', `${file} has no database, for example env:WAYBILL_DATABASE_URL`);
  }
  return resolveSecret(database);
}
