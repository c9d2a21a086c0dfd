/**
 * The programs that ours is compared with, as they are found on PATH: the command lines that do the same work, tuned as far as their
 * documentation says how, with as many copies in flight as ours begins with. None of them keeps a ledger or proves a run afterwards.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { runCommand, type Command, type Cost } from './command.ts';
import { findOnPath } from './find-on-path.ts';
import { TARGET_BUCKET, type BenchStore } from './stores.ts';
import type { Workload } from './workloads.ts';

export const PEER_NAMES = ['rclone', 'juicefs', 'mc', 's5cmd', 's3p'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export const isPeer = (name: string): boolean => PEER_NAMES.some((one) => one === name);

export interface Peer {
  readonly name: PeerName;
  readonly version: string;
  /** Null: it has no command for this work. */
  run(workload: Workload, prefix: string): Promise<Cost | null>;
}

export interface Place {
  readonly a: BenchStore;
  readonly b: BenchStore;
  /** For a program that copies by way of the disk, and for what the others keep of themselves. */
  readonly directory: string;
  /** Aborted, it ends a command that runs. */
  readonly signal: AbortSignal;
}

const IN_FLIGHT = '32';

interface PeerKind {
  readonly version: readonly string[];
  /** One after the other; their costs add up. */
  commands(file: string, workload: Workload, prefix: string, place: Place): readonly Command[] | null;
}

const url = ({ port }: BenchStore): string => `http://127.0.0.1:${String(port)}`;
const withKey = ({ port, credentials }: BenchStore, scheme: string): string =>
  `${scheme}://${credentials.accessKeyId}:${credentials.secretAccessKey}@127.0.0.1:${String(port)}`;
const toAwsEnvironment = ({ credentials }: BenchStore): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_REGION: 'us-east-1',
});

const KINDS: Readonly<Record<PeerName, PeerKind>> = {
  rclone: {
    version: ['version'],
    commands(file, { name, bucket }, prefix, { a, b, directory }) {
      const remote = (store: BenchStore, letter: string) => ({
        [`RCLONE_CONFIG_${letter}_TYPE`]: 's3',
        [`RCLONE_CONFIG_${letter}_PROVIDER`]: 'Other',
        [`RCLONE_CONFIG_${letter}_ENDPOINT`]: url(store),
        [`RCLONE_CONFIG_${letter}_REGION`]: 'us-east-1',
        [`RCLONE_CONFIG_${letter}_ACCESS_KEY_ID`]: store.credentials.accessKeyId,
        [`RCLONE_CONFIG_${letter}_SECRET_ACCESS_KEY`]: store.credentials.secretAccessKey,
      });
      const env = { ...remote(a, 'A'), ...remote(b, 'B'), RCLONE_CONFIG: path.join(directory, 'rclone.conf') };
      const tuned = [
        '--fast-list',
        '--s3-no-check-bucket',
        '--s3-no-head',
        '--size-only',
        '--stats',
        '0',
        '--retries',
        '1',
      ];
      if (name === 'W4') return [{ argv: [file, 'lsf', '-R', '--files-only', '--fast-list', `A:${bucket}`], env }];
      const large =
        name === 'W3'
          ? ['--transfers', '4', '--s3-upload-concurrency', '4', '--s3-chunk-size', '16M']
          : ['--transfers', IN_FLIGHT, '--checkers', IN_FLIGHT];
      return [{ argv: [file, 'copy', ...tuned, ...large, `A:${bucket}`, `B:${TARGET_BUCKET}/${prefix}`], env }];
    },
  },
  juicefs: {
    version: ['--version'],
    commands(file, { name, bucket }, prefix, { a, b, directory }) {
      const from = `${withKey(a, 'minio')}/${bucket}/`;
      const env = { HOME: directory };
      const quiet = ['--no-agent', '--quiet'];
      // A dry run against a place that holds nothing is a listing of the source.
      const to = `${withKey(b, 'minio')}/${TARGET_BUCKET}/${prefix}`;
      return [
        { argv: [file, ...quiet, 'sync', ...(name === 'W4' ? ['--dry'] : []), '--threads', IN_FLIGHT, from, to], env },
      ];
    },
  },
  mc: {
    version: ['--version'],
    commands(file, { name, bucket }, prefix, { a, b, directory }) {
      const env = {
        MC_HOST_a: withKey(a, 'http'),
        MC_HOST_b: withKey(b, 'http'),
        MC_CONFIG_DIR: path.join(directory, 'mc'),
      };
      if (name === 'W4') return [{ argv: [file, 'ls', '--recursive', `a/${bucket}/`], env }];
      return [
        {
          argv: [file, 'mirror', '--quiet', `a/${bucket}/`, `b/${TARGET_BUCKET}/${prefix}`],
          env,
        },
      ];
    },
  },
  s5cmd: {
    version: ['version'],
    commands(file, { name, bucket }, prefix, { a, b, directory }) {
      const one = (store: BenchStore, ...args: string[]): Command => ({
        argv: [file, '--endpoint-url', url(store), '--log', 'error', ...args],
        env: toAwsEnvironment(store),
      });
      if (name === 'W4') return [{ ...one(a), argv: [file, '--endpoint-url', url(a), 'ls', `s3://${bucket}/*`] }];
      // It knows one endpoint at a time: down to the disk, and up again.
      const disk = `${path.join(directory, 's5cmd', prefix)}/`;
      const verb = name === 'W5' ? 'sync' : 'cp';
      return [one(a, verb, `s3://${bucket}/*`, disk), one(b, verb, disk, `s3://${TARGET_BUCKET}/${prefix}`)];
    },
  },
  s3p: {
    version: ['version'],
    commands(file, { name, bucket }, _prefix, { a }) {
      if (name !== 'W4') return null;
      return [
        {
          argv: [file, 'ls', '--bucket', bucket, '--quiet'],
          env: { ...toAwsEnvironment(a), AWS_ENDPOINT_URL: url(a) },
        },
      ];
    },
  },
};

/** Null: it is not on PATH. */
export async function findPeer(name: PeerName, place: Place): Promise<Peer | null> {
  const file = await findOnPath(name);
  if (file === null) return null;
  const kind = KINDS[name];
  const { output } = await runCommand({ argv: [file, ...kind.version], env: { HOME: place.directory } }, place.signal);
  return {
    name,
    version: /v?\d+\.\d+[\w.+-]*|version \S+/.exec(output)?.[0] ?? 'unknown',
    async run(workload, prefix) {
      const commands = kind.commands(file, workload, prefix, place);
      if (commands === null) return null;
      const costs: Cost[] = [];
      for (const command of commands) costs.push(await runCommand(command, place.signal));
      if (workload.name !== 'W1')
        await rm(path.join(place.directory, 's5cmd', prefix), { recursive: true, force: true });
      return addUp(costs);
    },
  };
}

const addUp = (costs: readonly Cost[]): Cost => ({
  wallSeconds: costs.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0),
  cpuSeconds: costs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  peakMiB: Math.max(...costs.map(({ peakMiB }) => peakMiB)),
});
