/** Names the folder of compiled code that `test/run.ts` makes for a run. */
export const compiledCodeVariable = 'JOURNEY_GRAPH_TEST_COMPILED';

/**
 * Run by vitest in each worker. The suites start hundreds of processes of ours; with one folder of compiled code between them
 * each comes up in two thirds of the time. Not for vitest's own workers, which Node reads the variable for before this file is
 * run: they load a few files more each time, and writing what they compiled costs them more than it spares.
 */
const path = process.env[compiledCodeVariable];
if (path !== undefined) process.env.NODE_COMPILE_CACHE = path;
