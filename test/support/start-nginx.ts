/** nginx as a process of this test, with a configuration of its own in a directory of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';

export interface StartedNginx {
  readonly errorLog: () => Promise<string>;
  stop(): Promise<void>;
}

const STARTS_WITHIN_MS = 120_000;

/** @param http what stands in the http block; it listens on `port` of 127.0.0.1 */
export async function startNginx(file: string, directory: string, http: string, port: number): Promise<StartedNginx> {
  const errorFile = path.join(directory, 'error.log');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await mkdir(path.join(directory, 'tmp'), { recursive: true });
  await writeFile(errorFile, '');
  // A build may lack modules, and then does not know their directives.
  const known = temporary.slice(0, 2).map((name) => `${name}_temp_path ${directory}/tmp/${name};`);
  const lines = [
    'daemon off;',
    'worker_processes 1;',
    `pid ${directory}/nginx.pid;`,
    `error_log ${errorFile} info;`,
    // Workers as whoever runs the test: the data files are readable by their owner alone.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'events { worker_connections 256; }',
    `http {\naccess_log off;\n${known.join('\n')}\n${http}\n}\n`,
  ];
  const configFile = path.join(directory, 'nginx.conf');
  await writeFile(configFile, lines.join('\n'));
  const args = ['-p', directory, '-e', errorFile, '-c', configFile];
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: directory });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close');
  const errorLog = (): Promise<string> => readFile(errorFile, 'utf8');
  const deadline = Date.now() + STARTS_WITHIN_MS;
  while (!(await isListening(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`nginx did not start: ${stderr}${await errorLog()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    errorLog,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
