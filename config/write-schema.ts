/** Writes the published schema: `node --import tsx config/write-schema.ts`. A test compares it with what the code would write. */
import { writeFile } from 'node:fs/promises';
import { printConfigSchema } from './schema.ts';

await writeFile(new URL('waybill.schema.json', import.meta.url), printConfigSchema());
