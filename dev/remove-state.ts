/**
 * `waybill dev --fresh`: throws away what a stack has made and leaves what its user wrote. A waybill.yaml that was edited stays, and the
 * ports with it, for it names them; secrets and the database it names by variables, which are set anew. Whatever else lies there is no
 * stack's, and may be a file that the configuration refers to.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import { WaybillError } from '../core/failures.ts';
import { checkNotRun } from './postgres.ts';
import { buildStackConfig, printStackConfig, type StackPorts } from './stack-config.ts';

const CONFIG = 'waybill.yaml';
const PORTS = 'ports.json';
/** Beside these, whatever Postgres and Temporal put next to their data. */
const MADE: readonly string[] = [PORTS, 'secrets.json', 'access.json', 'env.sh', 'logs', 'stores', CONFIG];
const isMade = (name: string): boolean => MADE.includes(name) || /^(postgres|temporal\.db)([.-]|$)/.test(name);

/**
 * Returns whether the configuration was kept.
 * @throws invalid_config when the directory is no stack's, or its configuration would be kept and is wrong; directory_in_use. Nothing is
 *   removed then
 */
export async function removeState(stateDir: string): Promise<boolean> {
  const names = existsSync(stateDir) ? await readdir(stateDir) : [];
  if (names.length === 0) return false;
  if (!names.includes(PORTS) || !(names.includes('secrets.json') || names.includes(CONFIG))) {
    throw new WaybillError('invalid_config', 'the directory holds other files than a stack’s, and is not deleted', {
      stateDir,
    });
  }
  checkNotRun(path.join(stateDir, 'postgres'));
  const configFile = path.join(stateDir, CONFIG);
  const isKept = names.includes(CONFIG) && !(await isAsWritten(configFile, path.join(stateDir, PORTS)));
  if (isKept) await loadConfig(configFile);
  const kept = isKept ? [CONFIG, PORTS] : [];
  for (const name of names) {
    if (isMade(name) && !kept.includes(name)) await rm(path.join(stateDir, name), { recursive: true, force: true });
  }
  return isKept;
}

/** One that cannot be compared (of an earlier version, with another Temporal) counts as edited. */
async function isAsWritten(configFile: string, portsFile: string): Promise<boolean> {
  const ports = JSON.parse(await readFile(portsFile, 'utf8')) as StackPorts;
  const written = buildStackConfig({ ports, temporalAddress: `127.0.0.1:${ports.temporal}` });
  return (await readFile(configFile, 'utf8')) === printStackConfig(written);
}
