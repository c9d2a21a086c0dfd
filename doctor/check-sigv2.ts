/** Signature Version 2 in the configuration files of clients: a client that reads them signs in a way that most services refuse. */
import { couldNotRun, NEVER, ok, warn, type Check, type Mend } from './check.ts';
import { isOn } from './read-profiles.ts';
import type { ClientFile } from './read-client-settings.ts';

interface Leftover {
  readonly section: string;
  readonly setting: string;
  readonly value: string;
  readonly instead: string;
}

export const checkSigv2: Check = {
  id: 'sigv2',
  title: 'leftovers of Signature Version 2',
  run: async ({ settings, target }) => {
    const { files, unreadable } = settings;
    const evidence = files.map(({ path }) => `read ${path}`);
    const mends: Mend[] = [];
    const causes: string[] = [];
    for (const file of files) {
      for (const { section, setting, value, instead } of findLeftovers(file)) {
        const where = `${file.path}${section === '' ? '' : `, [${section}]`}`;
        causes.push(`${where} has ${setting} = ${value}`);
        mends.push({
          current: `${setting} = ${value} (${where})`,
          change: `${setting} = ${instead}`,
          verify: VERIFY[file.client] ?? target.command,
          rollback: `${setting} = ${value}`,
          expires: NEVER,
        });
      }
    }
    if (causes.length > 0)
      return warn(evidence, {
        cause: `a client still signs with Signature Version 2: ${causes.join('; ')}`,
        mends,
        side: 'yours',
      });
    if (unreadable.length > 0) return couldNotRun(...evidence, ...unreadable.map((one) => `cannot be read: ${one}`));
    return ok(evidence.length === 0 ? ['no configuration file of a client is there'] : evidence);
  },
};

const VERIFY: Readonly<Partial<Record<ClientFile['client'], string>>> = {
  aws: 'aws s3api list-buckets --debug 2>&1 | grep -c AWS4-HMAC-SHA256',
  s3cmd: 's3cmd --debug ls 2>&1 | grep -c AWS4-HMAC-SHA256',
  rclone: 'rclone lsd REMOTE: --dump headers 2>&1 | grep -c AWS4-HMAC-SHA256',
  mc: 'mc --debug ls ALIAS 2>&1 | grep -c AWS4-HMAC-SHA256',
};

export function findLeftovers({
  client,
  sections,
  text,
}: Pick<ClientFile, 'client' | 'sections' | 'text'>): Leftover[] {
  if (client === 'mc') {
    return [...text.matchAll(/"api"\s*:\s*"(s3v2)"/gi)].map(([, value]) => ({
      section: '',
      setting: '"api"',
      value: value ?? '',
      instead: 'S3v4',
    }));
  }
  return [...sections].flatMap(([section, values]) => {
    const found: Leftover[] = [];
    for (const [setting, value] of values) {
      if (client.startsWith('aws') && /(^|\.)signature_version$/.test(setting) && /^(s3|s3-query|v2)$/i.test(value))
        found.push({ section, setting, value, instead: 's3v4' });
      if (client === 's3cmd' && setting === 'signature_v2' && isOn(value))
        found.push({ section, setting, value, instead: 'False' });
      if (client === 'rclone' && setting === 'v2_auth' && isOn(value))
        found.push({ section, setting, value, instead: 'false' });
      if (client === 'boto2' && section === 's3' && setting === 'use-sigv4' && !isOn(value))
        found.push({ section, setting, value, instead: 'True' });
    }
    return found;
  });
}
