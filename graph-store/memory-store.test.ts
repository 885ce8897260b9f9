import { describeGraphStore } from './conformance.ts';
import { createMemoryStore } from './memory-store.ts';

describeGraphStore('The memory store', {
  open: async () => createMemoryStore(),
  reopen: null,
  dispose: (store) => store.close(),
  propertyRuns: 100,
});
