/**
 * Lets an activity run without AsyncLocalStorage. The SDK runs each in two of them: one holds the activity's context, the other the signal
 * that ends its calls to Temporal. On Node 20 one that is in use turns promise hooks on for the whole thread: every promise gets a
 * property and every `await` calls into the hooks, an eighth of what copying small objects costs. Node 24 has them without hooks.
 *
 * We take the context when an activity begins and hand it on as a parameter; nothing of ours asks for it later, and heartbeats have a
 * signal of their own. So both are turned off there; the SDK turns them on again for the next activity, which does the same.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { asyncLocalStorage } from '@temporalio/activity';
import type { NativeConnection } from '@temporalio/worker';

/** To be called in the turn in which an activity begins, when its context has been taken. */
export function createLeaveAsyncContext(connection: NativeConnection): () => void {
  // Private, and without it all is as it was, only dearer.
  const ofCalls: unknown = Reflect.get(connection, 'callContextStorage');
  return () => {
    asyncLocalStorage.disable();
    if (ofCalls instanceof AsyncLocalStorage) ofCalls.disable();
  };
}
