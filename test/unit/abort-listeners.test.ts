import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { abortListenersOf } from '../../stores/s3/abort-listeners.ts';

test('everyone who stands there is told once, and nobody who has left', () => {
  const controller = new AbortController();
  const told: string[] = [];
  const listeners = abortListenersOf(controller.signal);
  const stand = (name: string): (() => void) => {
    const listener = (): void => {
      told.push(name);
      listeners.leave(place, listener);
    };
    const place = listeners.add(listener);
    return () => listeners.leave(place, listener);
  };
  const leaveA = stand('a');
  stand('b');
  leaveA();
  stand('c');
  // Its place is another's by now.
  leaveA();
  controller.abort();
  controller.abort();
  assert.deepEqual(told.sort(), ['b', 'c']);
});

test('a signal has one listener, and as many places as stood there at once', () => {
  const { signal } = new AbortController();
  const listener = (): void => undefined;
  for (let count = 0; count < 100; count++) {
    const listeners = abortListenersOf(signal);
    const place = listeners.add(listener);
    assert.equal(place, 0);
    listeners.leave(place, listener);
  }
  assert.equal(getEventListeners(signal, 'abort').length, 1);
});
