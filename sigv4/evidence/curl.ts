/**
 * A curl command line: with ready headers, with a presigned URL, or with --aws-sigv4, where curl signs by itself. The secret of
 * `-u KEY:SECRET` is never kept.
 */
import { toEvidence, type Evidence } from './evidence.ts';
import { toRequest } from './http-dump.ts';
import { splitWords } from './shell-words.ts';

/** A request line as `curl -v` prints it. */
const VERBOSE = /^> (?:[A-Z]{3,7}) \S+ HTTP\/[\d.]+\s*$/m;
const encoder = new TextEncoder();

/** Options that take a value and say nothing about the request. */
const IGNORED_WITH_VALUE = new Set([
  ...[
    '-o',
    '--output',
    '-w',
    '--write-out',
    '--connect-timeout',
    '-m',
    '--max-time',
    '--retry',
    '--retry-delay',
    '--cacert',
    '--capath',
  ],
  ...[
    '-E',
    '--cert',
    '--key',
    '-x',
    '--proxy',
    '--proxy-user',
    '-U',
    '--resolve',
    '--connect-to',
    '--limit-rate',
    '-b',
    '--cookie',
    '-c',
  ],
  ...[
    '--cookie-jar',
    '-D',
    '--dump-header',
    '-K',
    '--config',
    '--interface',
    '--tls-max',
    '--ciphers',
    '-C',
    '--continue-at',
    '-Y',
    '-y',
  ],
]);

interface Command {
  method: string | null;
  url: string;
  headers: [string, string][];
  /** Of each -d, joined by & at the end: a paste may hold thousands. */
  data: string[];
  /** The body comes from a file, which is not at hand. */
  isFile: boolean;
  hasBody: boolean;
  defaultMethod: string;
  sigv4: string | null;
  user: string | null;
  isGet: boolean;
  notes: string[];
}

export function readCurl(text: string): Evidence | null {
  const line = withoutCarets(text.trim().replace(/^\$ /, ''));
  if (!/^(?:\S*\/)?curl(?:\.exe)?\s/.test(line)) return null;
  // Pasted with what it printed: that is the request as it went out, which the reader of dumps takes.
  if (VERBOSE.test(line)) return null;
  const words = splitWords(line);
  if (words === null) return null;
  const command = readWords(words.slice(1));
  if (command.url === '') return null;
  const { notes } = command;
  if (command.url.includes('&') && line.includes(` ${command.url}`))
    notes.push('the URL stands without quotes: a shell ends it at the first &, and runs the rest as other commands');
  // -G moves the data into the query.
  if (command.isGet && command.data.length > 0) {
    command.url += `${command.url.includes('?') ? '&' : '?'}${command.data.join('&')}`;
    command.data = [];
    command.hasBody = false;
  }
  const body = command.isFile ? null : encoder.encode(command.data.join('&'));
  const headers = withDefaults(command, body);
  if (command.sigv4 !== null) {
    notes.push(
      `curl signs this itself (--aws-sigv4 ${command.sigv4}): what stands here is the request before it is signed`,
    );
    if (!headers.some(([name]) => name.toLowerCase() === 'x-amz-content-sha256')) {
      notes.push(
        "S3 wants x-amz-content-sha256, which curl does not send by itself before version 8: add -H 'x-amz-content-sha256: …'",
      );
    }
  }
  if (!/^https?:/i.test(command.url)) command.url = `http://${command.url}`;
  const method = command.method ?? (command.isGet ? 'GET' : command.defaultMethod);
  return toEvidence('curl', 'curl command', {
    request: toRequest(method, command.url, headers),
    body,
    accessKeyId: command.user?.split(':')[0] ?? null,
    notes,
    ...(command.sigv4 !== null && { isSignedLater: true }),
  });
}

/** What browsers copy for cmd.exe: a caret before each mark, and at the end of each line. */
const withoutCarets = (line: string): string =>
  line.includes('^"') ? line.replace(/\^\r?\n/g, ' ').replace(/\^(.)/g, '$1') : line;

function readWords(words: readonly string[]): Command {
  const command: Command = {
    method: null,
    url: '',
    headers: [],
    data: [],
    isFile: false,
    hasBody: false,
    defaultMethod: 'GET',
    sigv4: null,
    user: null,
    isGet: false,
    notes: [],
  };
  for (let at = 0; at < words.length; at++) {
    const [option, inline] = splitOption(words[at] ?? '');
    const value = (): string => inline ?? words[++at] ?? '';
    switch (option) {
      case '-X':
      case '--request':
        command.method = value();
        break;
      case '-H':
      case '--header':
        addHeader(command, value());
        break;
      case '-A':
      case '--user-agent':
        command.headers.push(['User-Agent', value()]);
        break;
      case '-e':
      case '--referer':
        command.headers.push(['Referer', value()]);
        break;
      case '--url':
        command.url = value();
        break;
      case '-I':
      case '--head':
        command.defaultMethod = 'HEAD';
        break;
      case '-G':
      case '--get':
        command.isGet = true;
        break;
      case '-T':
      case '--upload-file':
        value();
        command.defaultMethod = 'PUT';
        command.hasBody = true;
        command.isFile = true;
        command.notes.push('the body comes from a file that is not at hand here');
        break;
      case '-d':
      case '--data':
      case '--data-ascii':
      case '--data-raw':
      case '--data-binary':
      case '--json':
      case '--data-urlencode':
        addData(command, option, value());
        break;
      case '--aws-sigv4':
        command.sigv4 = value();
        break;
      case '-u':
      case '--user':
        command.user = value();
        break;
      default:
        if (IGNORED_WITH_VALUE.has(option)) value();
        else if (!option.startsWith('-') && option !== '') command.url = words[at] ?? '';
    }
  }
  return command;
}

/** `--name=value`, `-Xvalue`, or the option alone. */
function splitOption(word: string): [option: string, inline: string | undefined] {
  const long = /^(--[a-z0-9-]+)=([\s\S]*)$/.exec(word);
  if (long !== null) return [long[1] ?? '', long[2] ?? ''];
  const short = /^(-[XHAedTuo])([\s\S]+)$/.exec(word);
  return short !== null && !word.startsWith('--') ? [short[1] ?? '', short[2] ?? ''] : [word, undefined];
}

function addHeader(command: Command, text: string): void {
  const colon = text.indexOf(':');
  if (colon > 0) command.headers.push([text.slice(0, colon), text.slice(colon + 1).replace(/^ /, '')]);
}

function addData(command: Command, option: string, text: string): void {
  command.defaultMethod = 'POST';
  if (text.startsWith('@') && option !== '--data-raw') {
    command.hasBody = true;
    command.isFile = true;
    if (option === '-d' || option === '--data' || option === '--data-ascii') {
      command.notes.push(
        '-d @file strips the newlines of the file: use --data-binary @file, or the hash is of other bytes',
      );
    }
    return;
  }
  command.hasBody = true;
  command.data.push(text);
  if (option === '--json') command.headers.push(['Content-Type', 'application/json'], ['Accept', 'application/json']);
}

/** What curl adds by itself. */
function withDefaults({ headers, hasBody, defaultMethod }: Command, body: Uint8Array | null): [string, string][] {
  const has = (name: string): boolean => headers.some(([one]) => one.toLowerCase() === name);
  const added: [string, string][] = [];
  if (hasBody && defaultMethod === 'POST' && !has('content-type'))
    added.push(['Content-Type', 'application/x-www-form-urlencoded']);
  if (body !== null && body.length > 0 && !has('content-length')) added.push(['Content-Length', String(body.length)]);
  if (!has('accept')) added.push(['Accept', '*/*']);
  return [...headers, ...added];
}
