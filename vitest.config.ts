import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import SlowFirst from './test/slow-first.ts';

const integration = '**/*.int.test.ts';
/** Minutes each against real servers: `npm run test:long`. */
const long = '**/*.long.test.ts';
/** Tests that use the whole machine: they install packages, or measure. */
const alone = ['test/pack.test.ts', 'bench/**/*.test.ts'];
const notOurs = [...configDefaults.exclude, 'dist/**', 'data/**', '.services/**'];

/**
 * Node gives our imports and Apollo Server's `require` one copy of graphql; vitest would resolve ours to the ES module beside it,
 * and graphql refuses to work with two.
 */
const resolve = {
  alias: [
    {
      find: /^graphql$/,
      replacement: fileURLToPath(new URL('node_modules/graphql/index.js', import.meta.url)),
    },
  ],
};

export default defineConfig({
  test: {
    allowOnly: false,
    retry: 0,
    teardownTimeout: 30_000,
    // Workers begin and end hundreds of threads, and V8 13.6 loses count of its pages of code where keys protect them: nodejs/node#64500.
    execArgv: ['--no-memory-protection-keys'],
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        resolve,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...notOurs, integration, long, ...alone],
          pool: 'forks',
          // Importing a module of ours does nothing, so files can share a process, and what they import is loaded once.
          isolate: false,
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          name: 'integration',
          include: [integration],
          exclude: notOurs,
          // Vitest runs it only when a file of this project is selected.
          globalSetup: ['test/services/global-setup.ts'],
          setupFiles: ['test/services/worker-setup.ts'],
          pool: 'forks',
          // Most of their time they wait for a broker; at what two of them cannot share they take turns.
          maxWorkers: 3,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        test: {
          name: 'long',
          include: [long],
          exclude: notOurs,
          globalSetup: ['test/services/global-setup.ts'],
          setupFiles: ['test/services/worker-setup.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        resolve,
        test: {
          name: 'alone',
          include: alone,
          exclude: notOurs,
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
