/**
 * What was measured of providers, kept beside the configuration in `.waybill/capabilities.json`, by endpoint. It is a note for people
 * and for the next examination, with the time at which it was true; nothing depends on it, and it may be deleted.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Examination } from './check.ts';

export interface Capabilities {
  /** ISO 8601. */
  readonly measuredAt: string;
  /** As the report showed it. */
  readonly evidence: readonly string[];
  readonly conditionalWrites: boolean;
  readonly etags: 'md5' | 'opaque';
  readonly listsInUtf8Order: boolean;
  readonly startAfter: boolean;
  readonly checksums: Readonly<Record<string, 'verified' | 'taken and not verified' | 'refused'>>;
}

type Kept = Readonly<Record<string, Capabilities>>;

/** Null when nothing is kept of this endpoint, or what is kept cannot be read. */
export async function loadMeasured({ capabilitiesFile, target }: Examination): Promise<Capabilities | null> {
  if (capabilitiesFile === null) return null;
  return (await load(capabilitiesFile))[target.endpoint.origin] ?? null;
}

/** A folder that cannot be written to keeps nothing: the report says it all the same. */
export async function saveMeasured({ capabilitiesFile, target }: Examination, measured: Capabilities): Promise<void> {
  if (capabilitiesFile === null) return;
  const kept: Kept = { ...(await load(capabilitiesFile)), [target.endpoint.origin]: measured };
  try {
    await mkdir(path.dirname(capabilitiesFile), { recursive: true });
    const fresh = `${capabilitiesFile}.${String(process.pid)}`;
    await writeFile(fresh, `${JSON.stringify(kept, null, 2)}\n`);
    await rename(fresh, capabilitiesFile);
  } catch {
    // See above.
  }
}

async function load(file: string): Promise<Kept> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(Object.entries(value as Kept).filter(([, one]) => isCapabilities(one)));
  } catch {
    return {};
  }
}

const isCapabilities = (value: unknown): value is Capabilities => {
  const { measuredAt, evidence } = (value ?? {}) as Partial<Capabilities>;
  return typeof measuredAt === 'string' && Array.isArray(evidence) && evidence.every((one) => typeof one === 'string');
};
