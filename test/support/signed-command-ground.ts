/**
 * `waybill sign`, what it prints run by a shell with the curl of this machine, and what it is sent to: a store, and an S3 that verifies
 * each signature and answers as it is told. No request is signed by anything but the output under test.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Credentials } from '../../sigv4/types.ts';
import { runCommand } from './run-command.ts';
import { runShell, type Shell, type ShellEnd } from './run-shell.ts';
import { startStore, type StartedStore } from './start-store.ts';
import { startVerifier, type Verifier } from './start-verifier.ts';

export const CREDENTIALS: Credentials = {
  accessKeyId: 'AKIDSIGNTEST',
  secretAccessKey: 'sEcr3t/+of=the\'"$`test%s\\n',
  sessionToken: 'tOken/+of=the%test==',
};
export const KMS_KEY = "arn:aws:kms:eu-west-1:123456789012:alias/it's";
/** All that means something to a shell, to printf, to curl or to HTTP. */
export const HOSTILE = `it's "$HOME" \`id\` $(id) \\ \\n %s %% !x * ? ~ {a,b} [1-2] & ; | < > # é ☃ 𝄞`;
export const MIB = 1024 * 1024;

export function toEnv({ accessKeyId, secretAccessKey, sessionToken }: Credentials): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
  };
}

export async function sign(credentials: Credentials | null, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(['sign', ...args], credentials === null ? {} : toEnv(credentials));
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What is printed is run as it is. */
export async function runCurl(shell: Shell, credentials: Credentials, args: readonly string[]): Promise<ShellEnd> {
  const command = await sign(credentials, ['--as', 'curl', ...args]);
  const end = await runShell(shell, ['-c', command.replace(/^curl /, 'curl --silent --show-error --fail ')]);
  assert.equal(end.code, 0, command + end.stderr);
  return end;
}

export interface SignedCommandGround {
  /** For files of the test's own. */
  readonly scratch: string;
  readonly store: StartedStore;
  readonly s3: Verifier;
  /** A script is printed without any key at hand. @returns its file */
  readonly writeScript: (args: readonly string[]) => Promise<string>;
  /** Arguments for the store's region. */
  readonly onStore: () => string[];
  /** The URL of an object of the store, as a person would write it. */
  readonly toKey: (name: string) => string;
  readonly readStored: (key: string) => Promise<Buffer>;
  readonly close: () => Promise<void>;
}

export async function startSignedCommandGround(): Promise<SignedCommandGround> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'waybill-sign-'));
  const store = await startStore({ buckets: ['bucket'] });
  const s3 = await startVerifier('s3', 'eu-west-1', () => CREDENTIALS);
  return {
    scratch,
    store,
    s3,
    async writeScript(args) {
      const file = path.join(scratch, `script ${randomBytes(4).toString('hex')}.sh`);
      await writeFile(file, await sign(null, ['--as', 'sh', ...args]));
      return file;
    },
    onStore: () => ['--region', store.region],
    toKey: (name) => `${store.endpoint}/bucket/${name.replaceAll('%', '%25').replace(/[?#]/g, encodeURIComponent)}`,
    async readStored(key) {
      const { body } = await store.store.get({ bucket: 'bucket', key });
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async close() {
      await store.close();
      await s3.close();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
