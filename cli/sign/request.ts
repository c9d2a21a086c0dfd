/** The words of `waybill sign`: a request that is ready to be signed, and what is wrong with one that is not. */
import { WaybillError } from '../../core/failures.ts';
import type { PathRule } from '../../sigv4/types.ts';

export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Everything of the URL and of the headers is as it goes over the wire; header values have one character a byte. */
export interface PreparedRequest {
  readonly method: string;
  /** `https://host[:port]` */
  readonly origin: string;
  readonly path: string;
  readonly query: string;
  /** Host first; those that a signature brings are not among them. */
  readonly headers: HeaderList;
  readonly body: Body;
  /** The body's hash is left out of the signature. */
  readonly unsignedPayload: boolean;
  readonly region: string;
  readonly service: string;
  readonly pathRule: PathRule;
}

/** What the caller got wrong; the command prints it in one line and ends with 2. */
export const misuse = (message: string): WaybillError => new WaybillError('invalid_request', message);

/** Header text as bytes, one character each, as `sigv4/` takes it. */
export const toWire = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

export const fromWire = (wire: string): string => Buffer.from(wire, 'latin1').toString('utf8');
