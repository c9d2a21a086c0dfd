import { createMemoryStore } from '../../stores/memory/create-memory-store.ts';
import { describeStoreContract } from './store-contract.ts';

describeStoreContract('the memory store', 'own', async () => {
  const store = createMemoryStore();
  await store.createBucket('contract');
  return { store, bucket: 'contract', dispose: () => store.close() };
});
