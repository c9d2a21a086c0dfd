/** The configuration files that clients on this machine read: which are there, and what they say. Their secrets are only kept to be redacted. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSections, type Sections } from './read-profiles.ts';

export interface ClientFile {
  readonly client: 'aws' | 'aws-credentials' | 's3cmd' | 'rclone' | 'mc' | 'boto2';
  readonly path: string;
  readonly sections: Sections;
  readonly text: string;
}

export interface ClientSettings {
  readonly files: readonly ClientFile[];
  /** Files that are there and cannot be read, with the code. */
  readonly unreadable: readonly string[];
  /** Values that no output may show. */
  readonly secrets: readonly string[];
}

const SECRET = /secret|token|password|passphrase/;
const FILE_BYTES_MAX = 1024 * 1024;

export async function readClientSettings(env: NodeJS.ProcessEnv): Promise<ClientSettings> {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '';
  const configHome = env['XDG_CONFIG_HOME'] ?? join(home, '.config');
  const candidates: readonly [ClientFile['client'], string][] = [
    ['aws', env['AWS_CONFIG_FILE'] ?? join(home, '.aws', 'config')],
    ['aws-credentials', env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(home, '.aws', 'credentials')],
    ['s3cmd', env['S3CMD_CONFIG'] ?? join(home, '.s3cfg')],
    ['rclone', env['RCLONE_CONFIG'] ?? join(configHome, 'rclone', 'rclone.conf')],
    ['mc', join(env['MC_CONFIG_DIR'] ?? join(home, '.mc'), 'config.json')],
    ['boto2', join(home, '.boto')],
  ];
  const files: ClientFile[] = [];
  const unreadable: string[] = [];
  for (const [client, path] of candidates) {
    if (home === '' && !path.startsWith('/')) continue;
    try {
      const text = (await readFile(path, 'utf8')).slice(0, FILE_BYTES_MAX);
      files.push({ client, path, text, sections: client === 'mc' ? new Map() : parseSections(text) });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      if (code !== 'ENOENT' && code !== 'ENOTDIR') unreadable.push(`${path} (${code})`);
    }
  }
  return { files, unreadable, secrets: files.flatMap(findSecrets) };
}

function findSecrets({ client, sections, text }: ClientFile): string[] {
  if (client === 'mc')
    return [...text.matchAll(/"(?:secretKey|sessionToken)"\s*:\s*"([^"]+)"/g)].map(([, one]) => one ?? '');
  return [...sections.values()].flatMap((section) =>
    [...section].flatMap(([key, value]) =>
      SECRET.test(key) && value.length > 3 && !/_file$|^use_/.test(key) ? [value] : [],
    ),
  );
}
