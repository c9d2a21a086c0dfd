/** The clients that are libraries, each behind a script of its own in drivers/. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Client, ClientOperation } from './client.ts';
import { startDriver } from './driver.ts';
import { runTool } from './run-tool.ts';

const DRIVERS = path.join(import.meta.dirname, 'drivers');

interface PythonLibrary {
  readonly name: string;
  readonly script: string;
  /** The directory of its packages; null where they could not be installed. */
  readonly packages: string | null;
  readonly lacks?: readonly ClientOperation[];
  readonly withoutMetadata?: boolean;
}

export function createPythonLibrary({ name, script, packages, lacks = [], withoutMetadata }: PythonLibrary): Client {
  const env = { PYTHONPATH: `${packages ?? ''}${path.delimiter}${DRIVERS}`, PYTHONDONTWRITEBYTECODE: '1' };
  return {
    name,
    lacks,
    ...(withoutMetadata !== undefined && { withoutMetadata }),
    version: async () => {
      if (packages === null) return null;
      const print = `from importlib.metadata import version; print(version('${name}'))`;
      return (await runTool('python3', ['-c', print], { ...env, ...pythonHome() })).trim();
    },
    open: (endpoint, scratch) => {
      const variables = { ...env, ...pythonHome(), HOME: scratch, AWS_EC2_METADATA_DISABLED: 'true' };
      return startDriver(['python3', path.join(DRIVERS, script)], variables, endpoint);
    },
  };
}

/** The project's own copy of it. @param presigner the directory of the package that presigns; null where it could not be installed */
export function createAwsSdk(presigner: string | null): Client {
  return {
    name: '@aws-sdk/client-s3',
    lacks: presigner === null ? ['presignGet', 'presignPut'] : [],
    version: async () => {
      const file = createRequire(import.meta.url).resolve('@aws-sdk/client-s3/package.json');
      return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
    },
    open: (endpoint, scratch) => {
      const authority = endpoint.caFile === null ? {} : { NODE_EXTRA_CA_CERTS: endpoint.caFile };
      const script = path.join(DRIVERS, 'aws-sdk-driver.ts');
      const tsx = createRequire(import.meta.url).resolve('tsx');
      const command = [process.execPath, '--import', tsx, script, presigner ?? ''] as const;
      return startDriver([...command], { HOME: scratch, ...authority }, endpoint);
    },
  };
}

/** A version manager's `python3` finds its interpreter by this, where HOME is another. */
export function pythonHome(): Record<string, string> {
  const { PYENV_ROOT } = process.env;
  return PYENV_ROOT === undefined ? {} : { PYENV_ROOT };
}
