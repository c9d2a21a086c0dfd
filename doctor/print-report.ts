/** The report as text: a line for each check, its evidence below, and the mends as runbook entries. */
import type { Mend } from './check.ts';
import type { Report } from './run-doctor.ts';

export function printReport({ target, checks, debugSwitches, verdict }: Report): string {
  const lines = [`waybill doctor: ${target}`, ''];
  checks.forEach(({ title, status, evidence, cause, mends }, index) => {
    lines.push(`${String(index + 1).padStart(2)}. ${status.padEnd(13)} ${title}`);
    for (const one of evidence) lines.push(`      ${one}`);
    if (cause !== null) lines.push(`      cause     ${cause}`);
    for (const mend of mends) lines.push(...printMend(mend));
  });
  if (verdict.exitCode !== 0) {
    lines.push('', 'To see what a client signs, and hand it to `waybill explain`:');
    for (const [client, how] of debugSwitches) lines.push(`  ${client.padEnd(24)} ${how}`);
  }
  lines.push('', verdict.sentence, '');
  return lines.join('\n');
}

const printMend = ({ current, change, verify, rollback, expires }: Mend): string[] => [
  '      mend',
  `        now       ${current}`,
  `        change    ${change}`,
  `        verify    ${verify}`,
  `        roll back ${rollback}`,
  `        expires   ${expires}`,
];
