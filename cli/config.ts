/** `waybill config check FILE` and `waybill config schema`. */
import { Command } from 'commander';
import { loadConfig } from '../config/load-config.ts';
import { printConfigSchema } from '../config/schema.ts';

export function buildConfigCommand(): Command {
  const check = new Command('check')
    .description('read a configuration and say everything that is wrong with it')
    .argument('[file]', 'the configuration, as --config says it')
    .option('--config <file>', 'the configuration', 'waybill.yaml')
    .option('--json', 'print JSON')
    .action(async (named: string | undefined, options: { readonly config: string; readonly json?: boolean }) => {
      const { config: otherwise, json = false } = options;
      const file = named ?? otherwise;
      const config = await loadConfig(file);
      const stores = [...config.stores.keys()];
      const pipelines = [...config.pipelines.keys()];
      process.stdout.write(
        json
          ? `${JSON.stringify({ file, stores, pipelines })}\n`
          : `${file} is right: stores ${stores.join(', ') || 'none'}; pipelines ${pipelines.join(', ') || 'none'}\n`,
      );
    });
  const schema = new Command('schema').description('print the JSON Schema of waybill.yaml').action(() => {
    process.stdout.write(printConfigSchema());
  });
  return new Command('config')
    .description('check a configuration file, or print its JSON Schema')
    .addCommand(check)
    .addCommand(schema);
}
