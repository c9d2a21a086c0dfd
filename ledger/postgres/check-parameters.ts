/**
 * Postgres cannot hold NUL in text, and the driver would silently replace a lone surrogate by U+FFFD, so that two keys become one.
 * Every parameter of every query passes here, so no key gets round it.
 */
import { WaybillError } from '../../core/failures.ts';
import { isWellFormed } from '../../core/utf8-order.ts';

export type Parameter =
  string | number | boolean | null | Uint8Array | readonly (string | number | null)[] | readonly Uint8Array[];

/** @throws unsupported_key */
export function checkParameters(parameters: readonly Parameter[]): void {
  for (const parameter of parameters) {
    if (typeof parameter === 'string') checkText(parameter);
    else if (Array.isArray(parameter)) {
      for (const item of parameter as readonly unknown[]) if (typeof item === 'string') checkText(item);
    }
  }
}

function checkText(value: string): void {
  if (value.includes('\0')) {
    throw new WaybillError('unsupported_key', 'text with NUL cannot be kept', {
      text: encodeURIComponent(value.slice(0, 200)),
    });
  }
  if (!isWellFormed(value)) {
    throw new WaybillError('unsupported_key', 'text that is not valid UTF-8 cannot be kept', {
      text: JSON.stringify(value.slice(0, 200)),
    });
  }
}
