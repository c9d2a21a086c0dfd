/** A process of a worker that has several: it says when it is ready, tells its metrics, and stops when it is told to or left alone. */
import type { FromProcess, ToProcess } from './run-processes.ts';
import type { RunningWorker } from './run-worker.ts';

export function obeyParent(worker: RunningWorker, stop: () => void): void {
  const say = (what: FromProcess): void => {
    process.send?.(what, undefined, undefined, () => undefined);
  };
  process.on('message', (told: ToProcess) => {
    if (told === 'stop') stop();
    else void worker.printMetrics().then((text) => say({ kind: 'metrics', text }));
  });
  process.once('disconnect', stop);
  // Its parent may have gone while it started.
  if (!process.connected) stop();
  // The channel keeps a process alive, and must not keep one that has ended.
  worker.stopped.then(letGo, letGo);
  say({ kind: 'ready' });
}

function letGo(): void {
  if (process.connected) process.disconnect();
}
