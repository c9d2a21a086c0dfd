/** A probe as the facts have it by now: the region, the style and the clock that earlier checks learned, unless the probe varies them. */
import { encodePath } from '../sigv4/encode.ts';
import type { Facts, Target } from './check.ts';
import type { OpenRoute } from './open-socket.ts';
import { sendProbe, type Answer, type ProbeRequest } from './send-probe.ts';

export async function sendByFacts(
  request: ProbeRequest,
  target: Target,
  facts: Facts,
  route: OpenRoute,
  now: () => Date,
): Promise<Answer> {
  const bucket = request.bucket === undefined ? target.bucket : request.bucket;
  const isVirtual = (request.addressing ?? facts.addressing) === 'virtual' && bucket !== null;
  const url = new URL(target.endpoint);
  if (isVirtual) url.host = `${bucket}.${target.endpoint.host}`;
  const prefix = url.pathname.replace(/\/$/, '');
  const inPathStyle = request.path ?? (bucket === null ? '/' : `/${bucket}`);
  const path = isVirtual ? inPathStyle.slice(`/${encodePath(bucket)}`.length) || '/' : inPathStyle;
  const credentials = request.credentials ?? facts.credentials;
  return await sendProbe(
    {
      url,
      method: request.method ?? 'GET',
      path: prefix + path,
      query: request.query ?? '',
      headers: request.headers ?? [],
      body: request.body ?? new Uint8Array(),
      isTampered: request.isTampered === true,
      sign:
        request.isUnsigned === true || credentials === null
          ? null
          : {
              credentials,
              region: request.region ?? facts.region,
              service: 's3',
              pathRule: 's3',
              at: new Date(now().getTime() + facts.skewMs),
            },
    },
    route,
    now,
  );
}
