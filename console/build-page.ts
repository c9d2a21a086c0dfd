/**
 * Part of `npm run build`: makes `dist/console/explain.html` out of `console/explain/`, one file that needs no other. Its policy names
 * the hash of the one script and the one style that are in it, so that nothing else runs, and forbids every connection.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, transform } from 'esbuild';

// This file is compiled to dist/console/; its sources stay where they are.
const ROOT = path.join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '..' : '../..');
const SOURCES = path.join(ROOT, 'console/explain');
const PAGE = path.join(ROOT, 'dist/console/explain.html');
/** Every browser of the last three years. */
const TARGET = 'es2022';

const script = await bundleScript();
const style = (await transform(await readFile(path.join(SOURCES, 'page.css'), 'utf8'), { loader: 'css', minify: true }))
  .code;
const policy = [
  "default-src 'none'",
  "connect-src 'none'",
  `script-src ${hashSource(script)}`,
  `style-src ${hashSource(style)}`,
  // The empty icon, without which a browser asks the server for one.
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
].join('; ');
const template = await readFile(path.join(SOURCES, 'page.html'), 'utf8');
const page = fill(
  fill(fill(template, 'content=""', `content="${policy}"`), '<style></style>', `<style>${style}</style>`),
  '<script></script>',
  `<script>${script}</script>`,
);
await mkdir(path.dirname(PAGE), { recursive: true });
await writeFile(PAGE, page);
process.stdout.write(`${PAGE}\n`);

async function bundleScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(SOURCES, 'main.ts')],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: TARGET,
    charset: 'ascii',
    legalComments: 'none',
  });
  return outputFiles[0]?.text ?? '';
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** The first place, which must be there. The text is put in as it is, `$` and all. */
function fill(template: string, place: string, text: string): string {
  const at = template.indexOf(place);
  if (at < 0) throw new Error(`the page has no ${place}`);
  return template.slice(0, at) + text + template.slice(at + place.length);
}
