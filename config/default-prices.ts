/** List prices of S3 Standard in us-east-1: what a store is taken to charge unless `prices:` says otherwise, directories included. */
import type { Prices } from './config.ts';

export const S3_STANDARD_PRICES: Prices = {
  currency: 'USD',
  perThousandWrites: 0.005,
  perThousandReads: 0.0004,
  perGibOut: 0.09,
};
