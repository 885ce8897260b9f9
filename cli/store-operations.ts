import type { Clock } from '../foundation/index.ts';
import type { EmbeddedStore } from '../graph-store/index.ts';
import type { StoreOperations } from '../query-api/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { openExport } from './export-table.ts';
import { productVersion } from './version.ts';

/** What operators may ask of this store, over the network or in its folder. */
export function storeOperations(
  store: EmbeddedStore,
  graphSchema: () => GraphSchema | Promise<GraphSchema>,
  clock: Clock,
): StoreOperations {
  return {
    stats: (exact, signal) => store.stats(exact, signal),
    verify: (faultsMax) => store.verify(faultsMax),
    openSnapshot: () => store.openSnapshotFile({ productVersion: productVersion(), takenAtMs: clock.now() }),
    openTable: async (request) => await openExport(store, request, await graphSchema(), clock),
  };
}
