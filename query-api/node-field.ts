import { type GraphQLFieldConfig, GraphQLID, GraphQLNonNull, GraphQLString } from 'graphql';
import type { ApiContext } from './api-context.ts';
import { costOfNode } from './cost/field-cost.ts';
import { readNodeRef } from './node-arguments.ts';
import { type NodeAnswer, nodeType, propertiesObject } from './node-type.ts';

interface NodeArguments {
  readonly type: string;
  readonly id: string;
}

/** `node(type, id)`: one read. */
export const nodeField: GraphQLFieldConfig<unknown, ApiContext, NodeArguments> = {
  type: nodeType,
  description: 'One node; null when nothing has mentioned it since it was deleted, or ever.',
  args: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Node type, such as `Account`.' },
    id: { type: new GraphQLNonNull(GraphQLID) },
  },
  resolve: async (_source, { type, id }, { reader, reads }): Promise<NodeAnswer | null> => {
    const ref = readNodeRef('type', 'id', type, id);
    reads.take();
    const view = await reader.node(ref);
    if (view === null) return null;
    const properties = view.properties.map(({ name, value }) => [name, value] as const);
    return { ...view.node, properties: propertiesObject(properties), lineage: view.lineage };
  },
  extensions: { cost: costOfNode },
};
