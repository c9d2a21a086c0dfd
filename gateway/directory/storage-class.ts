/**
 * Storage classes. A directory keeps every object alike, which is STANDARD, and more than REDUCED_REDUNDANCY asks for: that one is a
 * label, kept and told. The others are promises of price, place or retrieval that nobody here could keep.
 */
import { refuse } from '../answer/s3-error.ts';
import { textElement } from '../answer/xml.ts';

const STANDARD = 'STANDARD';

interface Classed {
  readonly storageClass?: string;
}

/** The class to keep; undefined for STANDARD. @throws InvalidStorageClass */
export function parseStorageClass(value: string): string | undefined {
  if (value === STANDARD) return undefined;
  if (value === 'REDUCED_REDUNDANCY') return value;
  throw refuse('InvalidStorageClass');
}

/** S3 has the header for every class but STANDARD, and the element for that too. */
export const printStorageClass = ({ storageClass }: Classed): string[] =>
  storageClass === undefined ? [] : ['x-amz-storage-class', storageClass];

export const storageClassElement = (of: Classed | undefined): string =>
  textElement('StorageClass', of?.storageClass ?? STANDARD);
