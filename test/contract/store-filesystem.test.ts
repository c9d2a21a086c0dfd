import { createFilesystemStore } from '../../stores/filesystem/create-filesystem-store.ts';
import { createScratchDirectory } from '../support/store-scratch.ts';
import { describeStoreContract } from './store-contract.ts';

for (const fsync of [true, false]) {
  describeStoreContract(`the filesystem store ${fsync ? 'with' : 'without'} fsync`, 'own', async () => {
    const scratch = await createScratchDirectory();
    const store = await createFilesystemStore({ root: scratch.path, fsync });
    await store.createBucket('contract');
    return {
      store,
      bucket: 'contract',
      dispose: async () => {
        await store.close();
        await scratch.remove();
      },
    };
  });
}
