#!/usr/bin/env -S MALLOC_MMAP_THRESHOLD_=2097152 node --max-old-space-size=200 --max-semi-space-size=8
// Starts the built command line. Plain JavaScript, so that it can say what is missing before anything is built.
// The bounds of V8 and of malloc are explained in dev/entry.ts.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('waybill: it is not built yet\nhint: run: npm run build\n');
  process.exitCode = 1;
}
