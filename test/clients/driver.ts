/** A library, driven by a script in its own language: a request a line on standard input, an answer a line on standard output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ClientSession, Told } from './client.ts';
import type { Endpoint } from './endpoints.ts';

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

export async function startDriver(
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  endpoint: Endpoint,
): Promise<ClientSession> {
  const [file, ...args] = command;
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', TZ: 'UTC', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-1500)));
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close');
  ended.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (operation: string, ...values: readonly unknown[]): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify([operation, ...values])}\n`);
    const line = await lines.next();
    if (line.done === true) throw new Error(`the driver ended: ${stderr}`);
    const answer = JSON.parse(line.value) as Answer;
    if (!answer.ok) throw new Error(answer.error.slice(-1500));
    return answer.value;
  };
  await ask('open', {
    endpoint: endpoint.url,
    caFile: endpoint.caFile,
    region: endpoint.region,
    bucket: endpoint.bucket,
    accessKeyId: endpoint.credentials.accessKeyId,
    secretAccessKey: endpoint.credentials.secretAccessKey,
  }).catch((error: unknown) => {
    child.stdin.end();
    throw error;
  });
  const nothing = async (operation: string, ...values: readonly unknown[]): Promise<void> => {
    await ask(operation, ...values);
  };
  return {
    put: (key, from, attributes) => nothing('put', key, from, attributes),
    putMultipart: (key, from, attributes) => nothing('putMultipart', key, from, attributes),
    get: async (key, to) => (await ask('get', key, to)) as Told,
    head: async (key) => (await ask('head', key)) as Told,
    list: async (prefix) => (await ask('list', prefix)) as string[],
    copy: (from, to) => nothing('copy', from, to),
    delete: (keys) => nothing('delete', keys),
    presignGet: async (key) => (await ask('presignGet', key)) as string,
    presignPut: async (key) => (await ask('presignPut', key)) as string,
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
