/**
 * A worker of several processes, one for each core: JavaScript runs on one thread of a process. Temporal spreads the activities; here they
 * are only started and stopped together, and their metrics are one page. The first is ready before the others are started, so that what
 * hinders all of them is said once. When one ends that was not told to, all end: whoever keeps the worker running starts all again.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { ListenAddress } from '../config/config.ts';
import { mergeMetrics } from './merge-metrics.ts';
import { serveMetrics } from './metrics.ts';

export interface ProcessesOptions {
  readonly count: number;
  /** The program and its arguments, without the flags of Node: those of this process are passed on. */
  readonly program: string;
  readonly args: readonly string[];
  readonly metricsListen: ListenAddress | null;
  /** All of them carry out runs. */
  readonly onReady: () => void;
}

export interface RunningProcesses {
  /** The exit code of the first that ended by itself; 0 when they were told to. */
  readonly stopped: Promise<number>;
  stop(): void;
}

/** What a process says to the one that started it. */
export type FromProcess = { readonly kind: 'ready' } | { readonly kind: 'metrics'; readonly text: string };
/** And what it is asked. */
export type ToProcess = 'stop' | 'metrics';

const METRICS_WITHIN_MS = 5000;
/** The exit code for a process that a signal ended. */
const KILLED = 1;

/** `stopped` rejects with port_in_use; nothing else is thrown: a process that does not start ends, and has said why itself. */
export function runProcesses(options: ProcessesOptions): RunningProcesses {
  const children: ChildProcess[] = [];
  const ended: Promise<number>[] = [];
  let tellFirst = (_code: number): void => undefined;
  const firstEnd = new Promise<number>((resolve) => {
    tellFirst = resolve;
  });
  let isStopping = false;
  const stop = (): void => {
    isStopping = true;
    for (const child of children) tell(child, 'stop');
  };
  /** False when it ended before it was ready. */
  const begin = (): Promise<boolean> => {
    const child = fork(options.program, options.args);
    children.push(child);
    const end = new Promise<number>((resolve) => {
      child.once('exit', (code) => resolve(code ?? KILLED));
      child.once('error', () => resolve(KILLED));
    });
    ended.push(end);
    void end.then(tellFirst);
    const ready = new Promise<boolean>((resolve) => {
      child.on('message', (said: FromProcess) => {
        if (said.kind === 'ready') resolve(true);
      });
    });
    return Promise.race([ready, end.then(() => false)]);
  };
  const beginAll = async (): Promise<void> => {
    if (!(await begin()) || isStopping) return;
    const others = await Promise.all(Array.from({ length: options.count - 1 }, begin));
    if (others.every(Boolean)) options.onReady();
  };

  const run = async (): Promise<number> => {
    const print = async (): Promise<string> => mergeMetrics(await Promise.all(children.map(askMetrics)));
    const server = options.metricsListen === null ? null : await serveMetrics(options.metricsListen, { print });
    try {
      if (isStopping) return 0;
      const begun = beginAll();
      const code = await firstEnd;
      const wasTold = isStopping;
      stop();
      await begun;
      // One that was started in the meantime has not been told.
      stop();
      await Promise.all(ended);
      return wasTold ? 0 : code || KILLED;
    } finally {
      await server?.close();
    }
  };
  return { stopped: run(), stop };
}

function tell(child: ChildProcess, what: ToProcess): void {
  if (child.connected) child.send(what, () => undefined);
}

/** Empty for one that does not answer. */
function askMetrics(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => end(''), METRICS_WITHIN_MS);
    const hear = (said: FromProcess): void => {
      if (said.kind === 'metrics') end(said.text);
    };
    const gone = (): void => end('');
    const end = (text: string): void => {
      clearTimeout(timer);
      child.off('message', hear).off('exit', gone);
      resolve(text);
    };
    child.on('message', hear).once('exit', gone);
    if (child.connected) tell(child, 'metrics');
    else end('');
  });
}
