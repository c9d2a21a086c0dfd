/** Answers with a whole XML document, or with nothing but a status. */
import type { ServerResponse } from 'node:http';

/** @param headers more of them, names and values by turns */
export function sendDocument(response: ServerResponse, document: string, headers: readonly string[] = []): void {
  const body = Buffer.from(document);
  response.writeHead(200, ['Content-Type', 'application/xml', 'Content-Length', String(body.length), ...headers]);
  response.end(body);
}

/** @param headers names and values by turns */
export function sendEmpty(response: ServerResponse, status: number, headers: readonly string[] = []): void {
  // 204 and 304 have no length; every other answer says that it has none.
  response.writeHead(status, status === 204 || status === 304 ? [...headers] : [...headers, 'Content-Length', '0']);
  response.end();
}
