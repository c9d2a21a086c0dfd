/** What is recorded of an object that stands at the target. */
import type { DeliveryRecord } from '../../ledger/ledger.ts';
import type { Action } from '../plan/action.ts';

type Delivered = Pick<DeliveryRecord, 'key' | 'targetEtag' | 'checksum'>;

export const toDelivery = ({ etag, sizeBytes }: Action, { key, targetEtag, checksum }: Delivered): DeliveryRecord => ({
  key,
  sourceEtag: etag,
  sourceVersion: null,
  sizeBytes,
  targetEtag,
  checksum,
});
