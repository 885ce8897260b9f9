import { describeGraphStore } from './conformance.ts';
import { createMemoryStore } from './memory-store.ts';

describeGraphStore('The memory store', {
  open: async (clock) => createMemoryStore(clock),
  reopen: null,
  dispose: (store) => store.close(),
  propertyRuns: 40,
});
