/**
 * The schema of a database as text, to compare with the golden file: columns, constraints, indexes, in a fixed order. It is read from
 * the catalogue, since the embedded binaries have no pg_dump; `update-golden-schema.ts` writes it.
 */
import pg from 'pg';

const COLUMNS = `select c.relname as "table", format('  %I %s%s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
    case when a.attcollation <> 0 and co.collname <> 'default' then format(' collate %I', co.collname) else '' end,
    case when a.attnotnull then ' not null' else '' end,
    case when a.attidentity <> '' then ' generated always as identity'
      when a.attgenerated <> '' then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid))
      when d.adbin is not null then ' default ' || pg_get_expr(d.adbin, d.adrelid) else '' end,
    case when a.attstorage = 'e' and a.atttypid = 'bytea'::regtype then ' storage external' else '' end) as line
  from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    left join pg_collation co on co.oid = a.attcollation
  where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by c.relname collate "C", a.attnum`;

const CONSTRAINTS = `select c.relname as "table", format('  constraint %I %s', o.conname, pg_get_constraintdef(o.oid)) as line
  from pg_constraint o join pg_class c on c.oid = o.conrelid
  where c.relnamespace = 'public'::regnamespace and o.contype <> 'n' order by c.relname collate "C", o.conname collate "C"`;

const INDEXES = `select c.relname as "table", pg_get_indexdef(i.indexrelid) || ';' as line
  from pg_index i join pg_class c on c.oid = i.indrelid
  where c.relnamespace = 'public'::regnamespace and not exists (select 1 from pg_constraint where conindid = i.indexrelid)
  order by c.relname collate "C", i.indexrelid::regclass::text collate "C"`;

interface Line {
  readonly table: string;
  readonly line: string;
}

export async function printSchema(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const columns = (await client.query<Line>(COLUMNS)).rows;
    const constraints = (await client.query<Line>(CONSTRAINTS)).rows;
    const indexes = (await client.query<Line>(INDEXES)).rows;
    const tables = [...new Set(columns.map(({ table }) => table))];
    const of = (lines: readonly Line[], table: string): string[] =>
      lines.filter((line) => line.table === table).map(({ line }) => line);
    return tables
      .map((table) => {
        const body = [...of(columns, table), ...of(constraints, table)].join(',\n');
        return `table ${table} (\n${body}\n);\n${of(indexes, table)
          .map((line) => `${line}\n`)
          .join('')}`;
      })
      .join('\n');
  } finally {
    await client.end();
  }
}
