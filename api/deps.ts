/** What the API is made of. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { TokenHash } from './load-tokens.ts';
import type { ApiMetrics } from './metrics.ts';
import type { RunControl } from '../control/run-control.ts';

export interface ApiDeps {
  readonly ledger: Ledger;
  readonly control: RunControl;
  readonly config: Pick<Config, 'pipelines' | 'pipelineRetentionMs'>;
  /** None: the API listens on loopback only, and everyone who reaches it is an operator. */
  readonly tokens: readonly TokenHash[];
  readonly logger: Logger;
  readonly metrics: ApiMetrics;
}
