/** The statements of `docs/ledger-queries.md` are those that are sent, and the indexes that it names carry them, over a small database too. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import {
  explainHotQueries,
  HOT_QUERIES,
  LARGE,
  seedHotLedger,
  usesIndex,
  type Explained,
} from '../support/hot-queries.ts';
import { createLedgerFixture, type LedgerFixture } from '../support/ledger-fixtures.ts';

const ROWS = 50_000;
const UPDATE = 'node --import tsx test/support/update-ledger-queries.ts';

let fixture: LedgerFixture;
let explained: readonly Explained[];
let page: string;
before(async () => {
  fixture = await createLedgerFixture();
  explained = await explainHotQueries(await seedHotLedger(fixture, ROWS), fixture.url);
  page = await readFile(new URL('../../docs/ledger-queries.md', import.meta.url), 'utf8');
});
after(() => fixture.close());

for (const [at, { name, index }] of HOT_QUERIES.entries()) {
  test(`${name}: carried by ${index.replaceAll('|', ' or ')}, and as it stands in docs/ledger-queries.md`, () => {
    const one = explained[at];
    assert.ok(one);
    assert.ok(usesIndex(one), one.plan);
    assert.doesNotMatch(one.plan, new RegExp(`Seq Scan on (${LARGE.join('|')})\\b`), one.plan);
    assert.ok(page.includes(`## ${name}\n`) && page.includes(one.sql), `the page is old: ${UPDATE}\n${one.sql}`);
  });
}
