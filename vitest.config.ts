import { configDefaults, defineConfig } from 'vitest/config';

const integration = '**/*.int.test.ts';
/** Tests that use the whole machine: they install packages, or measure. */
const alone = ['test/pack.test.ts', 'bench/**/*.test.ts'];
const notOurs = [...configDefaults.exclude, 'dist/**', 'data/**', '.services/**'];

export default defineConfig({
  test: {
    allowOnly: false,
    retry: 0,
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...notOurs, integration, ...alone],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: [integration],
          exclude: notOurs,
          // Vitest runs it only when a file of this project is selected.
          globalSetup: ['test/services/global-setup.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
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
