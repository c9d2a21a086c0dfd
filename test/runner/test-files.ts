/** Which test files there are, and how each kind is run. The files are listed one by one: a runner given a directory may find none and call that success. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';

interface Group {
  readonly name: string;
  readonly kinds: readonly string[];
  /** Whether its files may ask for the shared Postgres and the shared Temporal. */
  readonly needsServers: boolean;
  readonly concurrency: number;
  /** One file, its servers and processes included. */
  readonly fileLimitMs: number;
  /** Its files run only when the pattern names the kind: they take minutes. */
  readonly onlyWhenNamed?: boolean;
}

export interface TestGroup extends Group {
  /** Relative to the project, sorted. */
  readonly files: readonly string[];
}

/** `checks` are tests over the project itself. Files that start whole stacks run two at a time: each of them keeps several processes busy. */
const GROUPS: readonly Group[] = [
  {
    name: 'light',
    kinds: ['unit', 'property', 'contract', 'checks'],
    needsServers: false,
    concurrency: 2,
    fileLimitMs: 600_000,
  },
  {
    name: 'heavy',
    kinds: ['integration', 'replay', 'fault'],
    needsServers: true,
    concurrency: 2,
    fileLimitMs: 1_200_000,
  },
  {
    name: 'scale',
    kinds: ['scale'],
    needsServers: true,
    concurrency: 1,
    fileLimitMs: 3_000_000,
    onlyWhenNamed: true,
  },
];

/**
 * Groups with at least one file whose path contains the pattern.
 * @throws an Error when there is none, or when a test file is in no group
 */
export async function findTestFiles(root: string, pattern = ''): Promise<TestGroup[]> {
  const entries = await readdir(path.join(root, 'test'), { recursive: true });
  const all = entries
    .filter((entry) => entry.endsWith('.test.ts'))
    .map((entry) => `test/${entry.split(path.sep).join('/')}`)
    .sort();
  const kindOf = (file: string): string => file.split('/')[1] ?? '';
  const stray = all.find((file) => !GROUPS.some(({ kinds }) => kinds.includes(kindOf(file))));
  if (stray !== undefined) throw new Error(`${stray} is of no kind that is run`);
  const groups = GROUPS.map((group) => ({
    ...group,
    files: all.filter((file) => {
      const named = group.onlyWhenNamed !== true || pattern.includes(kindOf(file));
      return named && group.kinds.includes(kindOf(file)) && file.includes(pattern);
    }),
  })).filter(({ files }) => files.length > 0);
  if (groups.length === 0) throw new Error(`no test file's path contains ${JSON.stringify(pattern)}`);
  return groups;
}
