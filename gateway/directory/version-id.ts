/** There is one version of an object, and its id is `null`. */
import type { VerifiedRequest } from '../backend.ts';
import { refuse } from '../answer/s3-error.ts';

export const ONLY_VERSION = 'null';

/** @throws NoSuchVersion; InvalidArgument for an empty id */
export function checkVersionId(request: VerifiedRequest): void {
  const { query } = request.target;
  if (query.size > 0) checkVersion(query.get('versionId'));
}

/** @throws NoSuchVersion; InvalidArgument for an empty id */
export function checkVersion(versionId: string | undefined): void {
  checkVersionText(versionId);
  if (versionId !== undefined && versionId !== ONLY_VERSION) throw refuse('NoSuchVersion');
}

/** @throws InvalidArgument for an empty id; whether the object has such a version, the store says */
export function checkVersionText(versionId: string | undefined): void {
  if (versionId !== '') return;
  throw refuse('InvalidArgument', 'Version id cannot be the empty string', {
    argumentName: 'versionId',
    argumentValue: '',
  });
}
