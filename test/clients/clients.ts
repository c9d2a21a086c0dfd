/** All the clients of the matrix, installed. A client that cannot be had is there too, with no version. */
import path from 'node:path';
import type { Client } from './client.ts';
import { createAwsCli } from './aws-cli.ts';
import { createCurl } from './curl.ts';
import {
  installAwsCli2,
  installAwsPresigner,
  installPyarrow,
  installSmallClients,
  type Say,
} from './install-clients.ts';
import { createAwsSdk, createPythonLibrary, pythonHome } from './libraries.ts';
import { createRclone } from './rclone.ts';
import { createS3cmd } from './s3cmd.ts';
import { createS5cmd } from './s5cmd.ts';

/** Those that install in seconds, the AWS SDK aside, which is among the project's own packages. */
export async function createSmallClients(say: Say): Promise<Client[]> {
  const packages = await installSmallClients(say);
  const file = (name: string): string | null => (packages === null ? null : path.join(packages, 'bin', name));
  const python = { ...pythonHome(), PYTHONPATH: packages ?? '', PYTHONDONTWRITEBYTECODE: '1' };
  return [
    createAwsCli('aws-cli 1', file('aws'), python),
    createPythonLibrary({ name: 'boto3', script: 'boto3_driver.py', packages }),
    createRclone(file('rclone')),
    createS3cmd(file('s3cmd'), python),
    createS5cmd(file('s5cmd'), python),
    createCurl(),
    createPythonLibrary({ name: 'minio', script: 'minio_driver.py', packages }),
    createPythonLibrary({ name: 'obstore', script: 'obstore_driver.py', packages }),
  ];
}

export async function createAllClients(say: Say): Promise<Client[]> {
  const [small, awsCli2, presigner, pyarrow] = [
    await createSmallClients(say),
    await installAwsCli2(say),
    await installAwsPresigner(say),
    await installPyarrow(say),
  ];
  return [
    ...small,
    createAwsCli('aws-cli 2', awsCli2, {}),
    createAwsSdk(presigner),
    createPythonLibrary({
      name: 'pyarrow',
      script: 'pyarrow_driver.py',
      packages: pyarrow,
      lacks: ['presignGet', 'presignPut'],
      withoutMetadata: true,
    }),
  ];
}

/** Null for one that is not to be had, with the reason said. */
export async function findVersion(client: Client, say: Say): Promise<string | null> {
  try {
    return await client.version();
  } catch (error) {
    say(`${client.name}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
