/** The S3 client against a live store server: real HTTP and real signatures. */
import { createS3Store } from '../../stores/s3/s3-store.ts';
import { startStore } from '../support/start-store.ts';
import { describeStoreContract } from './store-contract.ts';

for (const unsignedPayload of [false, true]) {
  describeStoreContract(
    `the S3 client with ${unsignedPayload ? 'unsigned' : 'signed'} payloads`,
    'foreign',
    async () => {
      const server = await startStore({
        buckets: ['contract'],
        // In us-east-1, and there alone, S3 lets a bucket's owner create it again.
        region: 'eu-central-1',
        allowUnsignedPayload: unsignedPayload,
      });
      const store = createS3Store({
        name: 'contract',
        endpoint: server.endpoint,
        region: server.region,
        addressing: 'path',
        credentials: () => server.credentials,
        requestLimitMs: 60_000,
        connectionsMax: 16,
        unsignedPayload,
        etags: 'md5',
      });
      return {
        store,
        bucket: 'contract',
        dispose: async () => {
          await store.close();
          await server.close();
        },
      };
    },
  );
}
