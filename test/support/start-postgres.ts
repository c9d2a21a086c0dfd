/** A process that starts Postgres, says so on stdout, and stays. Arguments: data directory, native directory or '', user id or ''. */
import { startPostgres } from '../../dev/postgres.ts';

const [dataDir = '', nativeDir = '', uid = ''] = process.argv.slice(2);
if (uid !== '') {
  process.setgid?.(Number(uid));
  process.setuid?.(Number(uid));
}
const { url, pid } = await startPostgres({ dataDir, fast: true, ...(nativeDir === '' ? {} : { nativeDir }) });
console.log(JSON.stringify({ url, pid, uid: process.getuid?.() }));
setInterval(() => undefined, 60_000);
