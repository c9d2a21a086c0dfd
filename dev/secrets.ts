/** The development stack's secrets: made once, kept in a file of mode 0600, given to each process by name and only where it needs them. */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, readFile, rename, stat, writeFile } from 'node:fs/promises';
import type { Credentials } from '../sigv4/types.ts';

export interface Secrets {
  /** Of the two stores: the gateway's alone. */
  readonly storeA: Credentials;
  readonly storeB: Credentials;
  /** Of the worker, towards the gateway. */
  readonly workerA: Credentials;
  readonly workerB: Credentials;
  readonly apiToken: string;
  /** Seals the gateway's session tokens: the gateway's alone. */
  readonly sessionSecret: string;
}

export async function loadSecrets(file: string): Promise<Secrets> {
  try {
    // Copied, restored or unpacked, a file gets the mode of the day. What others could read so far they may have read.
    if (((await stat(file)).mode & 0o077) !== 0) await chmod(file, 0o600);
    const kept = JSON.parse(await readFile(file, 'utf8')) as Omit<Secrets, 'sessionSecret'> & Partial<Secrets>;
    if (kept.sessionSecret !== undefined) return { ...kept, sessionSecret: kept.sessionSecret };
    // A directory from before there were sessions.
    const completed = { ...kept, sessionSecret: createSessionSecret() };
    await writeFile(`${file}.new`, JSON.stringify(completed, null, 2), { mode: 0o600 });
    await rename(`${file}.new`, file);
    return completed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secrets: Secrets = {
    storeA: createCredentials('STOREA'),
    storeB: createCredentials('STOREB'),
    workerA: createCredentials('WORKERA'),
    workerB: createCredentials('WORKERB'),
    apiToken: `wb_${randomBytes(24).toString('base64url')}`,
    sessionSecret: createSessionSecret(),
  };
  await writeFile(file, JSON.stringify(secrets, null, 2), { mode: 0o600, flag: 'wx' });
  return secrets;
}

const createSessionSecret = (): string => randomBytes(32).toString('base64');

function createCredentials(name: string): Credentials {
  return {
    accessKeyId: `WB${name}${randomBytes(6).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  };
}

/** What each process of the stack gets to know. The names are those that the stack's configuration refers to. */
export function toEnvironments(secrets: Secrets, databaseUrl: string) {
  const pair = (name: string, credentials: Credentials): Record<string, string> => ({
    [`${name}_ACCESS_KEY_ID`]: credentials.accessKeyId,
    [`${name}_SECRET_ACCESS_KEY`]: credentials.secretAccessKey,
  });
  const workload = { ...pair('WORKER_A', secrets.workerA), ...pair('WORKER_B', secrets.workerB) };
  const ledger = { WAYBILL_DATABASE_URL: databaseUrl };
  return {
    'store-a': pair('WAYBILL', secrets.storeA),
    'store-b': pair('WAYBILL', secrets.storeB),
    gateway: {
      ...pair('STORE_A', secrets.storeA),
      ...pair('STORE_B', secrets.storeB),
      ...workload,
      SESSION_SECRET: secrets.sessionSecret,
    },
    worker: { ...workload, ...ledger },
    api: {
      ...ledger,
      WAYBILL_API_TOKEN_SHA256: createHash('sha256').update(secrets.apiToken).digest('hex'),
    },
    migrate: ledger,
  } as const;
}

export type ProcessName = 'store-a' | 'store-b' | 'gateway' | 'worker' | 'api';
