/** A run for people. Results go to stdout. */
import { FAILURES, isFailureType } from '../core/failures.ts';
import type { RunJson, TrafficJson } from './api-client.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function printBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

export function printRun(run: RunJson): string {
  const lines = [
    `${run.mode} ${run.pipeline} ${run.run_id}: ${run.state}${run.attempt > 1 ? ` (attempt ${run.attempt})` : ''}`,
    `  id         ${run.id}`,
  ];
  if (run.manifest_hash !== null) lines.push(`  manifest   ${run.manifest_hash}`);
  const totals = run.totals as RunJson['totals'] | null;
  if (totals !== null) {
    const of = (name: string): number => totals[name] ?? 0;
    lines.push(`  objects    ${of('objects')} (${printBytes(of('size_bytes'))})`);
    // A plan has copied nothing.
    const [copied, adopted] = run.mode === 'plan' ? ['to copy', 'to adopt'] : ['copied ', 'adopted'];
    lines.push(
      `  ${copied}    ${of('copied')} (${printBytes(of('copied_bytes'))})${of('repaired') > 0 ? `, ${of('repaired')} of them repaired` : ''}`,
    );
    lines.push(
      `  skipped    ${of('skipped')} (${printBytes(of('skipped_bytes'))}), ${adopted} ${of('adopted')}, orphans ${of('orphans')}`,
    );
    for (const [code, count] of Object.entries(totals.outcomes)) lines.push(`  ${code.padEnd(10)} ${count}`);
  }
  if (run.summary !== null) {
    if (run.summary.empty_source && run.state === 'done')
      lines.push('  the source holds no object that passes the filters');
    lines.push(`  requests   ${printTraffic(run.summary.traffic)}`);
    for (const { currency, spent, avoided } of run.summary.money) {
      lines.push(`  money      ${spent.toFixed(6)} ${currency} spent, ${avoided.toFixed(6)} ${currency} avoided`);
    }
    if (run.summary.marker_key !== null) lines.push(`  marker     ${run.summary.marker_key}`);
  }
  if (run.verification !== null) {
    const { state, objects, missing, changed, marker, message } = run.verification;
    lines.push(
      `  verified   ${state}: ${objects} objects, ${missing} missing, ${changed} changed, marker ${marker}${message === null ? '' : `; ${message}`}`,
    );
  }
  if (run.failure !== null) {
    const { type, message } = run.failure;
    lines.push(`  failure    ${type}: ${message}`);
    if (isFailureType(type)) lines.push(`  hint       ${FAILURES[type].hint.replace('{id}', run.id)}`);
  }
  return `${lines.join('\n')}\n`;
}

function printTraffic(traffic: Readonly<Record<string, TrafficJson>>): string {
  const entries = Object.entries(traffic).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0
    ? 'none'
    : entries.map(([operation, { requests }]) => `${operation} ${requests}`).join(', ');
}
