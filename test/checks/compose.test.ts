/** docker-compose.yml, the Dockerfile and the configuration that they run with, against the code: what they name exists. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS } from '../../cli/commands.ts';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { SEARCH_ATTRIBUTES } from '../../core/wire-names.ts';
import { MALLOC_BOUNDS, V8_BOUNDS } from '../../dev/entry.ts';
import {
  COMPOSE_CONFIG,
  COMPOSE_TEXT,
  findVariables,
  loadComposeFile,
  PROJECT,
  type ComposeService,
} from '../support/compose-file.ts';

const { services, networks } = loadComposeFile();
const config = await loadConfig(COMPOSE_CONFIG);
const dockerfile = readFileSync(path.join(PROJECT, 'Dockerfile'), 'utf8');
const OURS = ['migrate', 'gateway', 'worker', 'api'];
const service = (name: string): ComposeService => services[name] ?? assert.fail(`there is no service ${name}`);
const ours = OURS.map((name) => [name, service(name)] as const);

test('every command of ours is a command of waybill that takes its flags', async () => {
  assert.deepEqual(
    Object.entries(services)
      .filter(([, { build }]) => build !== undefined)
      .map(([name]) => name)
      .sort(),
    [...OURS].sort(),
  );
  for (const [name, { command = [] }] of ours) {
    const [verb = '', ...args] = command;
    assert.equal(verb, name);
    const entry = Object.entries(COMMANDS).find(([known]) => known === verb)?.[1] ?? assert.fail(`no command ${verb}`);
    const parsed: Command = (await entry.load()).exitOverride().action(() => undefined);
    await parsed.parseAsync(args, { from: 'user' });
    assert.equal(parsed.opts()['config'], '/etc/waybill/waybill.yaml');
  }
});

test('the image and the installed command have the bounds of memory that the development stack has', () => {
  const shebang = readFileSync(path.join(PROJECT, 'cli/waybill.js'), 'utf8').split('\n')[0] ?? '';
  const malloc = Object.entries(MALLOC_BOUNDS).map(([name, value]) => `${name}=${value}`);
  assert.equal(shebang, `#!/usr/bin/env -S ${[...malloc, 'node', ...V8_BOUNDS].join(' ')}`);
  assert.ok(
    dockerfile.includes(`ENTRYPOINT ${JSON.stringify(['node', ...V8_BOUNDS, 'cli/waybill.js']).replaceAll(',', ', ')}`),
  );
  for (const variable of malloc) assert.match(dockerfile, new RegExp(`^ENV .*\\b${variable}$`, 'm'));
});

test('the image starts what a checkout starts, and holds what it needs', () => {
  assert.match(dockerfile, /^ENTRYPOINT \["node", (?:"--max-[a-z-]+=\d+", )*"cli\/waybill\.js"\]$/m);
  const copied = [...dockerfile.matchAll(/^COPY --from=build \/app\/(\S+)/gm)].map((match) => match[1] ?? '');
  const { scripts } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const name of copied) {
    const made = name === 'dist' || name === 'node_modules';
    assert.ok(made || existsSync(path.join(PROJECT, name)), `${name} is copied and does not exist`);
  }
  for (const needed of ['dist', 'node_modules', 'migrations', 'package.json', 'cli/waybill.js']) {
    assert.ok(copied.includes(needed), `${needed} is not in the image`);
  }
  for (const [, script = ''] of dockerfile.matchAll(/npm run (\S+)/g)) assert.ok(script in scripts, script);
});

test('the image is glibc, of a Node that is supported, and runs as nobody of importance', () => {
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1] ?? '');
  for (const base of bases) assert.match(base, /^node:(22|24|26)-bookworm-slim$/);
  assert.equal(dockerfile.match(/^USER (.*)$/m)?.[1], 'node');
  assert.ok(dockerfile.indexOf('USER node') > dockerfile.lastIndexOf('FROM '), 'USER stands in the last stage');
});

test('no process of ours is root, writes to its file system, or gains a privilege', () => {
  for (const [name, { user, read_only, cap_drop, security_opt }] of ours) {
    assert.deepEqual(
      { user, read_only, cap_drop, security_opt },
      { user: 'node', read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] },
      name,
    );
  }
});

test('each service is given exactly the variables that it resolves', () => {
  const needed = toNeeded(config);
  for (const [name, { environment = {} }] of ours) {
    assert.deepEqual(Object.keys(environment).sort(), [...(needed[name] ?? [])].sort(), name);
  }
});

test("the providers' secrets are the gateway's alone", () => {
  const secrets = [...config.stores.values()].flatMap((store) => findRefs(store));
  assert.equal(secrets.length, 4);
  for (const [name, { environment = {} }] of Object.entries(services)) {
    const known = [...Object.keys(environment), ...findVariables(JSON.stringify(environment)).map((one) => one.name)];
    const held = secrets.filter((secret) => known.includes(secret));
    assert.equal(held.length, name === 'gateway' ? secrets.length : 0, name);
  }
});

test('no secret stands in a file: each comes from a variable that must be set', () => {
  const secret = /PASSWORD|PWD|SECRET|ACCESS_KEY|TOKEN|DATABASE_URL/;
  let seen = 0;
  for (const [name, { environment = {} }] of Object.entries(services)) {
    for (const [variable, value] of Object.entries(environment).filter(([variable]) => secret.test(variable))) {
      seen++;
      assert.match(
        value,
        /^(postgres:\/\/waybill:)?\$\{\w+:\?[^}]+\}(@postgres:5432\/waybill)?$/,
        `${name}.${variable}`,
      );
    }
  }
  assert.ok(seen >= 18, `${seen} were looked at`);
  for (const line of readFileSync(path.join(PROJECT, 'deploy/env.example'), 'utf8').split('\n')) {
    assert.match(line, /^(#.*|\w+=|)$/, 'the example file holds names alone');
  }
  assert.doesNotMatch(dockerfile, /^(ARG|ENV) .*(KEY|SECRET|TOKEN|PASSWORD)/m);
});

test('every variable that must be set is told of in deploy/env.example, and no other', () => {
  const required = new Set(
    findVariables(COMPOSE_TEXT.replace(/^\s*#.*$/gm, '')).flatMap(({ name, operator }) =>
      operator === '-' ? [] : [name],
    ),
  );
  const told = [...readFileSync(path.join(PROJECT, 'deploy/env.example'), 'utf8').matchAll(/^(\w+)=/gm)].map(
    (match) => match[1],
  );
  assert.deepEqual(told.sort(), [...required].sort());
});

test('the gateway alone is on the network that leads out', () => {
  assert.equal(networks['inside']?.internal, true);
  const on = (network: string): string[] =>
    Object.entries(services)
      .filter(([, one]) => one.networks.includes(network))
      .map(([name]) => name);
  assert.deepEqual(on('egress'), ['gateway']);
  assert.deepEqual(on('inside').sort(), Object.keys(services).sort());
  assert.deepEqual(on('front').sort(), ['api', 'temporal-ui']);
  assert.deepEqual(Object.keys(networks).sort(), ['egress', 'front', 'inside']);
});

test('published ports are those of the configuration, on loopback', () => {
  const published = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
  assert.deepEqual(published, [
    ['temporal-ui', '127.0.0.1:8233:8080'],
    ['api', `127.0.0.1:8080:${config.api?.listen.port}`],
  ]);
});

test('each long-running process is asked for its health where it serves it', () => {
  const { gateway, worker, api } = config;
  const asked = {
    gateway: [gateway?.adminListen?.port, 'readyz', 'gateway/admin/admin-listener.ts'],
    worker: [worker?.metricsListen?.port, 'healthz', 'worker/metrics.ts'],
    api: [api?.listen.port, 'readyz', 'api/routes/health.ts'],
  } as const;
  for (const [name, [port, route, file]] of Object.entries(asked)) {
    const url = service(name)
      .healthcheck?.test.join(' ')
      .match(/fetch\('([^']+)'\)/)?.[1];
    assert.equal(url, `http://127.0.0.1:${port}/${route}`);
    assert.ok(readFileSync(path.join(PROJECT, file), 'utf8').includes(`'/${route}'`), `${file} has no /${route}`);
  }
});

test('services find each other under the names that the configuration says', () => {
  const { gateway, worker, temporal } = config;
  assert.equal(worker?.gatewayEndpoint, `http://gateway:${gateway?.listen.port}`);
  assert.equal(temporal.address, service('temporal-setup').environment?.['TEMPORAL_ADDRESS']);
  assert.equal(temporal.address, service('temporal-ui').environment?.['TEMPORAL_ADDRESS']);
  assert.equal(temporal.namespace, service('temporal-setup').environment?.['TEMPORAL_NAMESPACE']);
  assert.ok('temporal' in services && temporal.address.startsWith('temporal:'));
  for (const [name, { depends_on = {} }] of Object.entries(services)) {
    for (const [other, { condition }] of Object.entries(depends_on)) {
      assert.ok(other in services, `${name} depends on ${other}`);
      assert.equal(
        condition === 'service_healthy',
        service(other).healthcheck !== undefined,
        `${name} waits for ${other}`,
      );
    }
  }
});

test('all that is mounted from the checkout is there, and read-only', () => {
  const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter((one) => /^(\.|\$)/.test(one)));
  assert.ok(mounts.length >= 7);
  for (const mount of mounts) {
    assert.ok(mount.endsWith(':ro'), mount);
    const source = mount.replace(/^\$\{\w+:-([^}]+)\}/, '$1').split(':')[0] ?? '';
    assert.ok(statSync(path.join(PROJECT, source)), source);
  }
  for (const [name, { entrypoint = [] }] of Object.entries(services)) {
    const script = entrypoint.at(-1)?.replace('/etc/waybill-temporal/', 'deploy/temporal/');
    assert.ok(script === undefined || existsSync(path.join(PROJECT, script)), name);
  }
});

test('Temporal is 1.32 of one version, its UI at least 2.54, Postgres 18; nothing is unpinned or deprecated', () => {
  const tagOf = (name: string): string => service(name).image.split(':')[1] ?? '';
  assert.match(tagOf('temporal'), /^1\.32\.\d+$/);
  assert.deepEqual([tagOf('temporal-schema'), tagOf('temporal-setup')], [tagOf('temporal'), tagOf('temporal')]);
  assert.ok(Number(/^2\.(\d+)\.\d+$/.exec(tagOf('temporal-ui'))?.[1]) >= 54);
  for (const name of ['postgres', 'temporal-postgres']) assert.match(service(name).image, /^postgres:18-/);
  assert.doesNotMatch(COMPOSE_TEXT, /auto-setup|:latest/);
});

test('the setup step registers the search attributes that a worker checks', () => {
  const script = readFileSync(path.join(PROJECT, 'deploy/temporal/setup.sh'), 'utf8');
  const names = [...script.matchAll(/^register (\w+)$/gm)].map((match) => match[1]);
  assert.deepEqual(names.sort(), Object.values(SEARCH_ATTRIBUTES).sort());
});

/** The variables that each process resolves: which is what its wiring reads, section by section. */
function toNeeded({ stores, gateway, worker, api, database }: Config): Record<string, Set<string>> {
  const keys = gateway?.keys ?? [];
  const workerKeys = keys.filter(({ name }) => Object.values(worker?.keys ?? {}).includes(name));
  return {
    migrate: new Set(findRefs(database)),
    gateway: new Set([...findRefs([...stores.values()]), ...findRefs(keys), ...findRefs(gateway?.sessionSecret)]),
    worker: new Set([...findRefs(database), ...findRefs(workerKeys)]),
    api: new Set([...findRefs(database), ...findRefs(api)]),
  };
}

const findRefs = (part: unknown): string[] =>
  [...JSON.stringify(part).matchAll(/"env:(\w+)"/g)].map((match) => match[1] ?? '');
