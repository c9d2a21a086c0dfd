import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SlotPermit } from '@temporalio/worker';
import { CopyPlaces } from '../../worker/copy-places.ts';

const MAX = 8;
const FOR_EVER = new AbortController().signal;

/** A worker that asks Temporal two at a time, as long as there are places; tasks come when the test says so. */
function createProcess() {
  const state = { now: 0, hasRoom: false };
  const looks: { at: number; look: () => void }[] = [];
  const places = new CopyPlaces({
    ...{ counting: 2, max: MAX },
    hasRoom: () => state.hasRoom,
    now: () => state.now,
    after: (ms, look) => looks.push({ at: state.now + ms, look }),
  });
  const asking: SlotPermit[] = [];
  const ask = (): void =>
    void places.reserveSlot(null, FOR_EVER).then((permit) => {
      asking.push(permit);
    });
  ask();
  ask();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    places,
    state,
    /** Questions that Temporal may answer. */
    asked: async (): Promise<number> => {
      await settle();
      return asking.length;
    },
    /** Temporal answers one of them, and the poller goes on. */
    begin: async (): Promise<SlotPermit> => {
      await settle();
      const permit = asking.shift();
      assert.ok(permit !== undefined, 'nobody asks for a task');
      places.markSlotUsed({ permit });
      ask();
      return permit;
    },
    pass: async (ms: number): Promise<void> => {
      const until = state.now + ms;
      for (;;) {
        looks.sort((a, b) => a.at - b.at);
        const next = looks[0];
        if (next === undefined || next.at > until) break;
        looks.shift();
        state.now = next.at;
        next.look();
        await settle();
      }
      state.now = until;
      await settle();
    },
  };
}

test('two batches at a time, and another as soon as one has ended', async () => {
  const { places, asked, begin, pass } = createProcess();
  assert.equal(await asked(), 2);
  const first = await begin();
  assert.equal(await asked(), 1, 'a question that waits counts like a batch');
  await begin();
  assert.equal(await asked(), 0);
  await pass(1000);
  assert.equal(await asked(), 0);
  places.releaseSlot({ permit: first });
  assert.equal(await asked(), 1);
});

test('batches that take long count no longer, up to the most', async () => {
  const { places, asked, begin, pass } = createProcess();
  const held = [await begin(), await begin()];
  for (; held.length < MAX; held.push(await begin(), await begin())) {
    assert.equal(await asked(), 0);
    await pass(8000);
    assert.equal(await asked(), 2, `${String(held.length)} are slow`);
  }
  await pass(60_000);
  assert.equal(await asked(), 0, 'no more than the most');
  for (const permit of held.splice(0, 6)) places.releaseSlot({ permit });
  assert.equal(await asked(), 2);
  await begin();
  await begin();
  await pass(1000);
  assert.equal(await asked(), 0, 'when the slow ones have gone it is two again');
});

test('six batches that all stand still are held within 17 seconds, also where no room is left', async () => {
  const { begin, pass, state } = createProcess();
  let held = 0;
  for (; held < 6; held += 2) {
    if (held > 0) await pass(7750);
    await begin();
    await begin();
  }
  assert.ok(state.now < 17_000, `${String(state.now)} ms`);
});

test('where there is room for more copies a batch counts for a moment only', async () => {
  const { asked, begin, pass, state } = createProcess();
  state.hasRoom = true;
  await begin();
  await begin();
  assert.equal(await asked(), 0, 'they have not begun their copies yet');
  await pass(750);
  assert.equal(await asked(), 2);
});

test('a place whose question was not answered is free again', async () => {
  const { places } = createProcess();
  const taken = places.tryReserveSlot();
  assert.equal(taken, null, 'both are asked for');
  const empty = new CopyPlaces({ counting: 1, max: MAX, hasRoom: () => false, after: () => undefined });
  const permit = empty.tryReserveSlot();
  assert.ok(permit !== null);
  assert.equal(empty.tryReserveSlot(), null);
  empty.releaseSlot({ permit });
  assert.ok(empty.tryReserveSlot() !== null);
});

test('whoever stops waiting for a place gets none', async () => {
  const places = new CopyPlaces({ counting: 1, max: MAX, hasRoom: () => false, after: () => undefined });
  const permit = places.tryReserveSlot();
  assert.ok(permit !== null);
  const controller = new AbortController();
  const waiting = places.reserveSlot(null, controller.signal);
  controller.abort(new Error('no longer needed'));
  await assert.rejects(waiting, /no longer needed/);
  await assert.rejects(places.reserveSlot(null, controller.signal), /no longer needed/);
  places.releaseSlot({ permit });
  assert.ok(places.tryReserveSlot() !== null, 'the place was not given to it');
});
