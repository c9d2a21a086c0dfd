/**
 * A presigner moves x-amz-… headers into the query; S3 reads them as headers all the same, and the signature covers them there.
 * They were not read by an HTTP parser, so what could not have been a header is refused here.
 */
import { refuse } from './s3-error.ts';

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** True for text that a header can carry. */
export const isHeaderText = (value: string): boolean => !CONTROLS.test(value);

/** @throws invalid_request with s3Code InvalidArgument, also when a name is given both ways */
export function mergeHeaderParameters(headers: Map<string, string>, parameters: ReadonlyMap<string, string>): void {
  for (const [name, value] of parameters) {
    if (!NAME.test(name) || !isHeaderText(value)) {
      throw refuse('InvalidArgument', 'A query parameter that stands for a header holds what a header cannot.');
    }
    if (headers.has(name)) throw refuse('InvalidArgument', `${name} is given both as a header and in the query.`);
    headers.set(name, value);
  }
}
