/** What `accel_redirect` and `accel_metadata` of a directory may be, on the command line and in the configuration. */

const PREFIX = /^\/[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*\/?$/;
const NAME = /^[a-z0-9._-]+$/;

/** The internal location of nginx with a slash at both ends; null when it is none. */
export function parseAccelPrefix(text: string): string | null {
  if (!PREFIX.test(text) || text.split('/').some((segment) => segment === '.' || segment === '..')) return null;
  return text.endsWith('/') ? text : `${text}/`;
}

/** The name of user metadata in lower case, without `x-amz-meta-`; null when it is none that a line of nginx's could name. */
export function parseAccelMetadata(text: string): string | null {
  const name = text.toLowerCase().replace(/^x-amz-meta-/, '');
  return NAME.test(name) ? name : null;
}
