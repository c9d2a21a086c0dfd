/** The endpoint as it is written: its scheme, a path before the bucket, AWS's global name instead of a regional one, and what else names an endpoint. */
import { NEVER, fail, ok, warn, type Check, type Mend } from './check.ts';

const GLOBAL = /^s3(-external-1)?\.amazonaws\.com$/;
const REGIONAL = /^(?:.+\.)?s3[.-](?:dualstack\.|fips\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/;

export const checkEndpoint: Check = {
  id: 'endpoint',
  title: 'endpoint',
  run: async ({ target, env, settings }) => {
    const { endpoint, region, command, bucket } = target;
    const evidence = [`${endpoint.protocol}//${endpoint.host}${endpoint.pathname}, region ${region}`];
    const mends: Mend[] = [];
    const causes: string[] = [];
    let isFailing = false;
    const url = endpoint.href.replace(/\/$/, '');
    const mend = (current: string, change: string): Mend => ({
      current,
      change,
      verify: command,
      rollback: current,
      expires: NEVER,
    });
    const of = REGIONAL.exec(endpoint.hostname)?.[1];
    if (GLOBAL.test(endpoint.hostname) && region !== 'us-east-1') {
      isFailing = true;
      causes.push('the global endpoint is that of us-east-1, and requests are signed for another region');
      mends.push(mend(`endpoint ${url}`, `endpoint: https://s3.${region}.amazonaws.com`));
    } else if (of !== undefined && of !== region) {
      isFailing = true;
      causes.push(`the endpoint is that of ${of} and requests are signed for ${region}`);
      mends.push(mend(`region ${region}`, `region: ${of}`));
    }
    if (bucket !== null && endpoint.hostname.startsWith(`${bucket}.`)) {
      isFailing = true;
      causes.push("the bucket stands in the endpoint's host and would be added to it again");
      mends.push(mend(`endpoint ${url}`, `endpoint: ${url.replace(`${bucket}.`, '')}`));
    }
    if (endpoint.protocol === 'http:' && !isLoopback(endpoint.hostname)) {
      causes.push('plain HTTP beyond loopback: signed requests can be read and replayed on the way');
      mends.push(mend(`endpoint ${url}`, `endpoint: ${url.replace('http:', 'https:')}`));
    }
    if (endpoint.pathname !== '/') {
      causes.push(
        `the endpoint has the path ${endpoint.pathname}, which is signed; a proxy that takes it off breaks the signature`,
      );
      mends.push(mend(`endpoint ${url}`, `endpoint: ${endpoint.origin}, on a host name of its own`));
    }
    for (const name of ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']) {
      const other = env[name] ?? '';
      if (other === '' || other.replace(/\/$/, '') === url) continue;
      evidence.push(`${name} names another endpoint, ${URL.canParse(other) ? new URL(other).host : 'which is no URL'}`);
    }
    for (const file of settings.files.filter(({ client }) => client === 'aws')) {
      for (const [section, values] of file.sections) {
        const other = values.get('endpoint_url') ?? values.get('s3.endpoint_url');
        if (other !== undefined && other.replace(/\/$/, '') !== url)
          evidence.push(`[${section}] of ${file.path} has an endpoint_url of its own`);
      }
    }
    for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
      const other = env[name] ?? '';
      if (other !== '' && other !== region) evidence.push(`${name} is ${other}: clients that read it sign for that`);
    }
    if (causes.length === 0) return ok(evidence);
    return (isFailing ? fail : warn)(evidence, { cause: causes.join('; '), mends, side: 'yours' });
  },
};

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || /^127\.|^\[::1\]$/.test(host);
