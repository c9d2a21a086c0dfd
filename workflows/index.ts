/** The workflow bundle's entry: each export's name is a workflow type on the wire. */
export { run } from './run.ts';
export { scheduledRun } from './scheduled-run.ts';
export { verify } from './verify.ts';
