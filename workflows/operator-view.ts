/** What an operator sees of a run in the Temporal UI: current details in markdown, and search attributes to filter by. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../core/wire-names.ts';
import type { Progress } from './types.ts';

const PIPELINE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.pipeline, SearchAttributeType.KEYWORD);
const RUN_ID = defineSearchAttributeKey(SEARCH_ATTRIBUTES.runId, SearchAttributeType.KEYWORD);
const MANIFEST_HASH = defineSearchAttributeKey(SEARCH_ATTRIBUTES.manifestHash, SearchAttributeType.KEYWORD);
const STATE = defineSearchAttributeKey(SEARCH_ATTRIBUTES.state, SearchAttributeType.KEYWORD);

export interface Named {
  readonly pipeline: string;
  readonly runId: string;
}

/** One upsert for each change of state: it is an event of the history, so it is not made for every batch. */
export function showState(run: Named, progress: Progress): void {
  upsertSearchAttributes([
    { key: PIPELINE, value: run.pipeline },
    { key: RUN_ID, value: run.runId },
    { key: STATE, value: progress.state },
    ...(progress.manifest === null ? [] : [{ key: MANIFEST_HASH, value: progress.manifest.manifestHash }]),
  ]);
}

export function show(run: Named, progress: Progress): void {
  const { manifest, plan, counts } = progress;
  const lines = [
    `**${progress.state}** · pipeline \`${run.pipeline}\` · run \`${run.runId}\` · attempt ${progress.attempt}`,
    '',
    '| what | objects | bytes |',
    '|---|---|---|',
  ];
  if (manifest !== null) lines.push(`| in the manifest | ${manifest.objects} | ${manifest.sizeBytes} |`);
  if (plan !== null) {
    lines.push(`| unchanged | ${plan.skipped} | ${plan.skippedBytes} |`);
    lines.push(`| to copy | ${plan.toCopy} | ${plan.toCopyBytes} |`);
    lines.push(`| copied | ${counts.copied} | ${counts.copiedBytes} |`);
    lines.push(`| adopted | ${counts.adopted} | ${counts.adoptedBytes} |`);
    lines.push(`| failed | ${counts.failed + plan.refused} | |`);
    lines.push(`| orphans at the target | ${plan.orphans} | |`);
    lines.push('', `batches ${progress.batchesDone} of ${plan.batches}, at most ${progress.concurrency} at once`);
  }
  if (manifest !== null) lines.push('', `manifest \`${manifest.manifestHash}\``);
  setCurrentDetails(lines.join('\n'));
}
