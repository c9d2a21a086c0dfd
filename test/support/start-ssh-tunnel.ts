/** A real `ssh -D` against a real sshd, both on loopback, with keys made for the test. Null where one of them is not installed. */
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { findFreePorts } from '../../dev/free-port.ts';

export interface SshTunnel {
  readonly socksPort: number;
  /** What ssh says of its channels: `dynamic request: socks5 host NAME port N`. */
  readonly log: () => string;
  close(): Promise<void>;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd', '/opt/homebrew/sbin/sshd'].find(existsSync);

export function hasSsh(): boolean {
  try {
    execFileSync('ssh', ['-V'], { stdio: 'ignore' });
    execFileSync('ssh-keygen', ['-?'], { stdio: 'ignore' });
  } catch (error) {
    // ssh-keygen has no way to be asked for itself that ends with 0.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
  }
  return SSHD !== undefined;
}

export async function startSshTunnel(): Promise<SshTunnel> {
  const directory = await mkdtemp(path.join(tmpdir(), 'waybill-ssh-'));
  const file = (name: string): string => path.join(directory, name);
  const started: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    for (const child of started.reverse()) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill()) await ended;
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const name of ['host', 'user']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
    }
    await copyFile(file('user.pub'), file('authorized'));
    const [sshPort = 0, socksPort = 0] = await findFreePorts(2);
    // Where sshd of root wants it, also when no service has made it.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    await writeFile(
      file('sshd_config'),
      [
        `ListenAddress 127.0.0.1:${sshPort}`,
        `HostKey ${file('host')}`,
        `AuthorizedKeysFile ${file('authorized')}`,
        `PidFile ${file('sshd.pid')}`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        'AllowTcpForwarding yes',
      ].join('\n'),
    );
    const sshd = spawn(SSHD ?? 'sshd', ['-D', '-e', '-f', file('sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    started.push(sshd);
    await isOpen(sshPort, sshd);
    const options = [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${file('known')}`,
      'IdentitiesOnly=yes',
      'BatchMode=yes',
    ];
    const ssh = spawn(
      'ssh',
      [
        ...['-F', 'none', '-vv', '-N', '-D', `127.0.0.1:${socksPort}`, '-p', String(sshPort), '-i', file('user')],
        ...options.flatMap((option) => ['-o', option]),
        `${userInfo().username}@127.0.0.1`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    started.push(ssh);
    let log = '';
    ssh.stderr.on('data', (chunk: Buffer) => (log += chunk.toString('utf8')));
    sshd.stderr.resume();
    await isOpen(socksPort, ssh).catch((cause: unknown) => {
      throw new Error(`ssh -D does not listen:\n${log.slice(-2000)}`, { cause });
    });
    return { socksPort, log: () => log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Until the port answers, as long as its process lives. */
async function isOpen(port: number, owner: ChildProcess): Promise<void> {
  for (;;) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (connected) return;
    if (owner.exitCode !== null) throw new Error(`ended with ${owner.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
