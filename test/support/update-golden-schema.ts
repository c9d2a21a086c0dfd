/** Writes test/vectors/schema.sql from the migrations: `node --import tsx test/support/update-golden-schema.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createTestDatabase } from './postgres.ts';
import { printSchema } from './print-schema.ts';

const database = await createTestDatabase();
const file = path.join(import.meta.dirname, '../vectors/schema.sql');
mkdirSync(path.dirname(file), { recursive: true });
writeFileSync(file, await printSchema(database.url));
await database.drop();
