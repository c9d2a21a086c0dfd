/** The descriptors of a manifest, in order, a chunk at a time. */
import type { Ledger } from '../ledger/ledger.ts';
import type { Descriptor } from '../manifest/descriptor.ts';
import { unpackBody } from '../manifest/pack-body.ts';
import { parseDescriptors } from '../manifest/parse-descriptors.ts';

export async function* readDescriptors(ledger: Ledger, listingId: string): AsyncGenerator<Descriptor[]> {
  for await (const chunk of ledger.readChunks(listingId)) yield parseDescriptors(unpackBody(chunk.body));
}
