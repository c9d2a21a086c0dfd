import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { openSlowDownChannel } from '../../ledger/postgres/slow-down-channel.ts';
import { silentLogger } from '../support/ledger-fixtures.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
before(async () => {
  database = await createEmptyDatabase();
});
after(() => database.drop());

function open() {
  const told: (readonly string[])[] = [];
  const channel = openSlowDownChannel({
    ...{ url: database.url, logger: silentLogger, retryMs: 20 },
    onTold: (stores) => told.push(stores),
  });
  return { told, channel };
}

test('what one worker tells the others hear, and it does not hear itself', async () => {
  const [first, second, third] = [open(), open(), open()];
  // What is told before all listen is lost, so it is told until it is heard.
  await until(() => {
    first.channel.tell(['a', 'b']);
    return second.told.length > 0 && third.told.length > 0;
  });
  assert.deepEqual(
    [second.told[0], third.told[0]],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  );
  assert.deepEqual(first.told, []);
  await Promise.all([first, second, third].map(({ channel }) => channel.close()));
});

test('a connection that is lost is made again; what cannot be read is passed over', async () => {
  const [first, second] = [open(), open()];
  const heard = async (): Promise<void> => {
    second.told.length = 0;
    await until(() => {
      first.channel.tell(['a']);
      return second.told.length > 0;
    });
  };
  await heard();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const payload of [
    '',
    'no JSON',
    'null',
    '{"from":1}',
    '{"from":"x","stores":"a"}',
    '{"from":"x","stores":[1,"z"]}',
  ]) {
    await client.query('select pg_notify($1, $2)', ['waybill_slow_down', payload]);
  }
  await until(() => second.told.some((stores) => stores[0] === 'z'));
  assert.ok(second.told.every((stores) => stores.length === 1));
  const { rowCount } = await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'listen %'`,
  );
  assert.ok((rowCount ?? 0) >= 1, 'somebody listened');
  await heard();
  await client.end();
  await Promise.all([first.channel.close(), second.channel.close()]);
});

test('a channel to a server that is not there keeps nobody waiting', async () => {
  const channel = openSlowDownChannel({
    ...{ url: 'postgres://nobody@127.0.0.1:1/none', logger: silentLogger, retryMs: 5, onTold: () => undefined },
  });
  channel.tell(['a']);
  await channel.close();
});
