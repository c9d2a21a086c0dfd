import { access, constants } from 'node:fs/promises';
import path from 'node:path';

/** The file that the shell would run, or null. */
export async function findOnPath(name: string): Promise<string | null> {
  for (const directory of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(directory, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // The next one.
    }
  }
  return null;
}
