import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { JourneyGraphError } from '../foundation/index.ts';
import { checkEdgeKey, type EdgeView, type Fold } from '../graph-store/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import type { ApiContext } from './api-context.ts';
import { badInput } from './api-error.ts';
import type { FieldCost } from './cost/field-cost.ts';
import { lineageType } from './lineage-type.ts';
import { checkTypeName, readNodeRef } from './node-arguments.ts';
import { nodeRefInput, nodeRefType, propertiesObject } from './node-type.ts';
import { dateTimeScalar, jsonScalar } from './scalars.ts';

interface EdgeArguments {
  readonly type: string;
  readonly from: { readonly type: string; readonly id: string };
  readonly to: { readonly type: string; readonly id: string };
  readonly key?: string | null;
}

const edgeType = new GraphQLObjectType<EdgeView>({
  name: 'Edge',
  description: 'What the events that touched one edge come to.',
  fields: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Edge type, such as `WATCHED`.' },
    from: { type: new GraphQLNonNull(nodeRefType) },
    to: { type: new GraphQLNonNull(nodeRefType) },
    key: {
      type: GraphQLString,
      description: 'As asked; null when all edges between the two are taken for one.',
    },
    firstSeen: { type: new GraphQLNonNull(dateTimeScalar), resolve: ({ firstSeenMs }) => firstSeenMs },
    lastSeen: { type: new GraphQLNonNull(dateTimeScalar), resolve: ({ lastSeenMs }) => lastSeenMs },
    count: {
      type: new GraphQLNonNull(GraphQLInt),
      description: 'Distinct events, each counted once however often it came.',
    },
    properties: {
      type: new GraphQLNonNull(jsonScalar),
      description: 'By name, each folded as its mapping declares: see `graphSchema`.',
      resolve: ({ properties }) => propertiesObject(properties),
    },
    complete: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description:
        'False when as many rows were looked at as one query may: all of the above then covers the newest only.',
      resolve: ({ truncated }) => !truncated,
    },
    lineage: { type: lineageType, description: 'Of the newest event; null when unknown.' },
  },
});

/** It may pass over all that this type has at `from`. */
const costOfEdge: FieldCost<EdgeArguments> = ({ type }, { limits, degrees }) => {
  const rows = Math.min(limits.scanRowsMax, degrees.rowsOfHop(type, 'out') ?? limits.scanRowsMax);
  return { own: { calls: 1, rows }, objects: 1, cheaper: [] };
};

/** `edge(type, from, to, key)`: one bounded read. */
export const edgeField: GraphQLFieldConfig<unknown, ApiContext, EdgeArguments> = {
  type: edgeType,
  description: 'One edge; null when no event that is still kept has touched it.',
  args: {
    type: { type: new GraphQLNonNull(GraphQLString), description: 'Edge type, such as `WATCHED`.' },
    from: { type: new GraphQLNonNull(nodeRefInput) },
    to: { type: new GraphQLNonNull(nodeRefInput) },
    key: {
      type: GraphQLString,
      description: 'The edge of this key; without it all edges between the two are taken for one.',
    },
  },
  resolve: async (_source, { type, from, to, key }, { reader, reads, status, limits }) => {
    const query = {
      type: checkTypeName('type', type, 'the name of an edge type, such as WATCHED'),
      from: readNodeRef('from.type', 'from.id', from.type, from.id),
      to: readNodeRef('to.type', 'to.id', to.type, to.id),
      key: key == null ? null : checkKey(key),
      folds: foldsOf(status.graphSchema(), type),
      scanMax: limits.scanRowsMax,
    };
    reads.take();
    return await reader.edge(query);
  },
  extensions: { cost: costOfEdge },
};

function checkKey(key: string): string {
  try {
    checkEdgeKey(key);
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    throw badInput('key', 'a key of 1 to 255 bytes');
  }
  return key;
}

function foldsOf({ edgeTypes }: GraphSchema, type: string): ReadonlyMap<string, Fold> {
  const declared = edgeTypes.find(({ name }) => name === type)?.properties ?? [];
  return new Map(declared.map(({ name, fold }) => [name, fold]));
}
