/**
 * `/explain`: the page that explains a signature, one file that `npm run build` makes. It holds no data and asks for none, so it is
 * open to everyone; it goes out under its own policy, which is stricter than that of /docs, as a header too.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const RUNS_FROM_SOURCE = import.meta.url.endsWith('.ts');
const PAGE = fileURLToPath(
  new URL(`${RUNS_FROM_SOURCE ? '../../dist' : '../..'}/console/explain.html`, import.meta.url),
);

export function explainPageRoute(app: FastifyInstance): void {
  app.get('/explain', { schema: { hide: true } }, async (_request, reply) => {
    const page = await readPage();
    // Run from sources that were never built.
    if (page === null) return reply.callNotFound();
    // A page cannot say in itself who may frame it.
    const policy = `${/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? "default-src 'none'"}; frame-ancestors 'none'`;
    return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page);
  });
}

async function readPage(): Promise<string | null> {
  try {
    return await readFile(PAGE, 'utf8');
  } catch {
    return null;
  }
}
