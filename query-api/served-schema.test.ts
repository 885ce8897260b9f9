import type { GraphQLSchema } from 'graphql';
import { expect, it, onTestFinished } from 'vitest';
import type { GraphSchema } from '../schemas/index.ts';
import { ask, startTestApi } from './api-testing.ts';
import { graphOf } from './graph-schema-testing.ts';

it('A server tells of each schema that it answers with, once, and of none before it is ready', async () => {
  const served: GraphQLSchema[] = [];
  const state = { ready: false, graph: graphOf({}) };
  const server = await startTestApi({
    status: { graphSchema: (): GraphSchema => state.graph, ready: () => state.ready },
    schemaServed: (schema) => void served.push(schema),
  });
  onTestFinished(() => server.close());
  const asked = async (): Promise<readonly boolean[]> => {
    for (const _ of [1, 2]) expect((await ask(server, '{ __typename }')).status).toBe(200);
    return served.map((schema) => schema.getType('Account') !== undefined);
  };
  expect(await asked()).toEqual([]);
  state.ready = true;
  expect(await asked()).toEqual([false]);
  state.graph = graphOf({ Account: { country: 'text' } });
  expect(await asked()).toEqual([false, true]);
});
