/** A part's number: in the query of UploadPart and of a read, in the document of a completion. */
import { PARTS_MAX } from '../../core/limits.ts';
import { refuse } from '../answer/s3-error.ts';

/** @throws InvalidArgument */
export function parsePartNumber(text: string): number {
  const partNumber = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (partNumber < 1 || partNumber > PARTS_MAX) {
    throw refuse('InvalidArgument', `Part number must be an integer between 1 and ${String(PARTS_MAX)}, inclusive.`, {
      argumentName: 'partNumber',
      argumentValue: text,
    });
  }
  return partNumber;
}
