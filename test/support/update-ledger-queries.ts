/** Writes docs/ledger-queries.md, over a million deliveries: `node --import tsx test/support/update-ledger-queries.ts`, a minute or two. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { explainHotQueries, seedHotLedger, usesIndex, type Explained } from './hot-queries.ts';
import { createLedgerFixture } from './ledger-fixtures.ts';

const ROWS = 1_000_000;
const LINE_MAX = 200;

const HEAD = `# The ledger's hot queries

What a run sends to Postgres again and again, when, which index carries it, and how Postgres carried it out over a target of
${ROWS.toLocaleString('en')} deliveries. The statements are taken from the driver as they are sent. This page is generated:

    node --import tsx test/support/update-ledger-queries.ts

\`test/integration/ledger-queries.test.ts\` fails when a statement here is not the one that is sent, when its index does not carry it, or
when it reads a table from end to end that grows with objects or runs. Times are of one machine on one day; look at rows and buffers.
`;

function printSection({ query: { name, when, index }, sql, plan }: Explained): string {
  const carriedBy = index
    .split('|')
    .map((one) => `\`${one}\``)
    .join(' or ');
  // Of a thousand keys a few are enough.
  const lines = plan.split('\n').map((line) => (line.length > LINE_MAX ? `${line.slice(0, LINE_MAX)} …` : line));
  return [
    `## ${name}`,
    `When: ${when}. Carried by ${carriedBy}.`,
    ['```sql', sql, '```'].join('\n'),
    ['```', ...lines, '```'].join('\n'),
    '',
  ].join('\n\n');
}

const fixture = await createLedgerFixture();
try {
  const explained = await explainHotQueries(await seedHotLedger(fixture, ROWS), fixture.url);
  for (const one of explained) {
    if (!usesIndex(one)) throw new Error(`${one.query.name} is not carried by ${one.query.index}:\n${one.plan}`);
  }
  const text = [HEAD, ...explained.map(printSection)].join('\n').replaceAll(/\n{3,}/g, '\n\n');
  writeFileSync(path.join(import.meta.dirname, '../../docs/ledger-queries.md'), `${text.trimEnd()}\n`);
} finally {
  await fixture.close();
}
