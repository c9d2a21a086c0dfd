/**
 * Credentials that a provider's chain hands out for a while, from an IMDSv2 and an STS of the test's own, through the SDK as it ships.
 * A gateway that went on with what has expired, or asked with nothing while it waits for the next, would be refused.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { Credentials } from '../../sigv4/types.ts';
import { send } from '../support/signed-request.ts';
import { startFakeProvider } from '../support/start-fake-provider.ts';
import { providerStore, startGateway } from '../support/start-gateway.ts';

/** Short, so that a test sees some of them. The gateway fetches the next ones when half of it has passed. */
const LIFE_MS = 10_000;
const GENERATIONS = 3;

interface Issued extends Credentials {
  readonly sessionToken: string;
  readonly expiresAt: Date;
}

const environment = { ...process.env };

/** What the two services share: they give a new set at every request, and know when each ends. */
class Issuer {
  readonly issued: Issued[] = [];

  next(): Issued {
    const number = this.issued.length + 1;
    // STS and IMDS say it in whole seconds.
    const expiresAt = new Date(Math.floor((Date.now() + LIFE_MS) / 1000) * 1000);
    const one = {
      accessKeyId: `ASIA${String(number).padStart(16, '0')}`,
      secretAccessKey: `secret-of-generation-${number}-that-nobody-may-see`,
      sessionToken: `token/of+generation=${number}`,
      expiresAt,
    };
    this.issued.push(one);
    return one;
  }

  find(accessKeyId: string): readonly Credentials[] {
    return this.issued.filter((one) => one.accessKeyId === accessKeyId);
  }
}

async function listen(server: http.Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('credentials that expire', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'waybill-chain-'));
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** Nothing of the machine's own may be found. */
  function setEnvironment(set: Record<string, string>): void {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, {
      AWS_CONFIG_FILE: path.join(directory, 'absent'),
      AWS_SHARED_CREDENTIALS_FILE: path.join(directory, 'absent'),
      AWS_REGION: 'eu-west-1',
      ...set,
    });
  }

  /** Asks until the gateway has signed with several generations, and no request was refused. */
  async function runThrough(issuer: Issuer): Promise<void> {
    const provider = await startFakeProvider((id) => issuer.find(id));
    const gateway = await startGateway({
      stores: [providerStore(provider.endpoint, { credentials: 'default-chain' })],
      keys: [{ name: 'etl' }],
    });
    try {
      const used = new Set<string>();
      const asked = async (): Promise<void> => {
        const answer = await send(gateway.caller('etl'), { method: 'PUT', target: '/bucket/key', body: 'x' });
        assert.equal(answer.status, 200, answer.text);
      };
      for (const until = Date.now() + 120_000; used.size < GENERATIONS && Date.now() < until;) {
        await Promise.all([asked(), asked(), asked(), asked()]);
        for (const request of provider.requests.splice(0)) {
          assert.ok(request.verdict.ok);
          const { accessKeyId } = request.verdict;
          used.add(accessKeyId);
          const [own] = issuer.find(accessKeyId) as readonly Issued[];
          assert.equal(request.header('x-amz-security-token'), own?.sessionToken, 'the token goes with its key');
          assert.ok(
            request.verdict.at.getTime() < (own?.expiresAt.getTime() ?? 0),
            'never signed with what has expired',
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal(used.size, GENERATIONS);
      // Four ask at once, and one of them fetches.
      assert.ok(issuer.issued.length <= used.size + 1, `${issuer.issued.length} were fetched, ${used.size} used`);
      const logged = gateway.logged.join('\n');
      for (const { secretAccessKey, sessionToken } of issuer.issued) {
        assert.ok(!logged.includes(secretAccessKey) && !logged.includes(sessionToken), 'no secret in the log');
      }
    } finally {
      await gateway.close();
      await provider.close();
    }
  }

  it('of an instance (IMDSv2) are replaced while requests go on, and none is refused', async () => {
    const issuer = new Issuer();
    const refused: string[] = [];
    const server = http.createServer((request, response) => {
      request.resume();
      if (request.method === 'PUT' && request.url === '/latest/api/token') {
        response.end('imds-session');
      } else if (request.headers['x-aws-ec2-metadata-token'] !== 'imds-session') {
        refused.push(request.url ?? '');
        response.writeHead(401).end();
      } else if (request.url === '/latest/meta-data/iam/security-credentials/') {
        response.end('waybill-role');
      } else if (request.url === '/latest/meta-data/iam/security-credentials/waybill-role') {
        const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = issuer.next();
        const body = { Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString() };
        response.end(
          JSON.stringify({
            ...body,
            AccessKeyId: accessKeyId,
            SecretAccessKey: secretAccessKey,
            Token: sessionToken,
            Expiration: expiresAt.toISOString(),
          }),
        );
      } else {
        response.writeHead(404).end();
      }
    });
    try {
      setEnvironment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: await listen(server) });
      await runThrough(issuer);
      assert.deepEqual(refused, [], 'version 2 from the first request on');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('of a web identity (STS) are replaced while requests go on, the token file read anew each time', async () => {
    const issuer = new Issuer();
    const tokenFile = path.join(directory, 'token');
    const tokens: string[] = [];
    const server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const form = new URLSearchParams(body);
        assert.equal(form.get('Action'), 'AssumeRoleWithWebIdentity');
        assert.equal(form.get('RoleArn'), 'arn:aws:iam::123456789012:role/waybill');
        tokens.push(form.get('WebIdentityToken') ?? '');
        const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = issuer.next();
        void writeFile(tokenFile, `identity-${issuer.issued.length + 1}`).then(() =>
          response
            .writeHead(200, { 'content-type': 'text/xml' })
            .end(
              '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
                '<AssumeRoleWithWebIdentityResult><Credentials>' +
                `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>` +
                `<SessionToken>${sessionToken}</SessionToken><Expiration>${expiresAt.toISOString()}</Expiration>` +
                '</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>',
            ),
        );
      });
    });
    try {
      await writeFile(tokenFile, 'identity-1');
      setEnvironment({
        AWS_ENDPOINT_URL_STS: await listen(server),
        AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/waybill',
        AWS_EC2_METADATA_DISABLED: 'true',
      });
      await runThrough(issuer);
      assert.deepEqual(tokens.slice(0, GENERATIONS), ['identity-1', 'identity-2', 'identity-3']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
