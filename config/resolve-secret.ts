/** Reads what a reference stands for. Called by the one process that needs the secret, at its start, and by no other. */
import { readFile } from 'node:fs/promises';
import { WaybillError } from '../core/failures.ts';

/**
 * `env:NAME` is the variable, `file:PATH` the file without one newline at its end.
 * @throws invalid_config, which names the reference and never what it stands for: unset, unreadable, or empty
 */
export async function resolveSecret(ref: string): Promise<string> {
  const value = ref.startsWith('env:') ? process.env[ref.slice('env:'.length)] : await readSecretFile(ref);
  if (value === undefined || value === '') {
    throw new WaybillError(
      'invalid_config',
      `the secret ${nameOf(ref)} is ${value === undefined ? 'not set' : 'empty'}`,
    );
  }
  return value;
}

async function readSecretFile(ref: string): Promise<string> {
  if (!ref.startsWith('file:')) {
    throw new WaybillError('invalid_config', 'a secret is a reference, env:NAME or file:PATH, never the secret itself');
  }
  try {
    return (await readFile(ref.slice('file:'.length), 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new WaybillError('invalid_config', `the secret ${nameOf(ref)} cannot be read`, { code }, { cause });
  }
}

/** A reference may be shown: it is a name. */
const nameOf = (ref: string): string => JSON.stringify(ref);
