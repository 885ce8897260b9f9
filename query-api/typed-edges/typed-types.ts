import {
  type GraphQLFieldConfig,
  type GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { must } from '../../foundation/index.ts';
import type { ApiContext } from '../api-context.ts';
import { type GraphNode, graphNode, graphNodeFields, graphNodeType, readsNode } from '../graph-node-type.ts';
import { completenessType, freshnessType, pageInfoType } from '../journey-type.ts';
import { lineageType } from '../lineage-type.ts';
import { nodeRefType, propertiesObject } from '../node-type.ts';
import type { Reads } from '../policy/reads.ts';
import { dateTimeScalar, jsonScalar } from '../scalars.ts';
import type { TypedEdge, TypedField, TypedNode, TypedPlan } from '../typed-plan.ts';
import { typedKinds, typedValue } from '../typed-value.ts';
import { typedWhereType, type WhereField } from '../where/typed-where.ts';
import {
  type ConnectionArguments,
  type ConnectionSide,
  connectionArguments,
  connectionCost,
} from './connection-arguments.ts';
import { edgePath } from './edge-claims.ts';
import { type ConnectionAnswer, checkFarType, type FoundEdge, readConnection } from './edge-connection.ts';
import { writeEdgeCursor } from './edge-cursor.ts';
import { connectionTypeNames } from './generated-names.ts';
import { selectsNode } from './reads-node.ts';
import { loaderOf } from './store-loader.ts';

/** Of whatever was declared since the start and is not any more. */
export const gone = {
  deprecationReason: 'No mapping in force declares it now; it goes with the next start.',
} as const;

type NodeObjectType = GraphQLObjectType<GraphNode, ApiContext>;

function listOf(type: GraphQLObjectType): GraphQLNonNull<GraphQLList<GraphQLNonNull<GraphQLObjectType>>> {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}

/** Of nodes that lead nowhere, for as long as some schema has them: the next one shares what did not change. */
const leaves = new WeakMap<TypedNode, NodeObjectType>();

/**
 * The GraphQL types of one plan. Types refer to each other by their edges, so what leads somewhere is made for each plan: if it were kept from the plan
 * before, it would lead to that one's types.
 */
export class TypedTypes {
  readonly #nodes: ReadonlyMap<string, TypedNode>;
  readonly #objects: ReadonlyMap<string, NodeObjectType>;
  readonly #wheres = new Map<string, GraphQLInputObjectType>();

  constructor({ nodes }: TypedPlan) {
    this.#nodes = new Map(nodes.map((node) => [node.nodeType, node]));
    this.#objects = new Map(nodes.map((node) => [node.nodeType, this.#typeOf(node)]));
  }

  of(node: TypedNode): NodeObjectType {
    return must(this.#objects.get(node.nodeType), 'a planned node has its type');
  }

  #typeOf(node: TypedNode): NodeObjectType {
    const type = leaves.get(node) ?? this.#objectType(node);
    if (node.edges.length === 0) leaves.set(node, type);
    return type;
  }

  #objectType({ name, nodeType, fields, edges }: TypedNode): NodeObjectType {
    return new GraphQLObjectType<GraphNode, ApiContext>({
      name,
      interfaces: [graphNodeType],
      extensions: { nodeType, reads: { nodeType } satisfies Reads },
      fields: () => ({
        ...graphNodeFields,
        ...Object.fromEntries(fields.map((field) => [field.name, nodeProperty(nodeType, field)])),
        ...Object.fromEntries(edges.map((edge) => [edge.name, this.#connectionField(nodeType, edge)])),
      }),
    });
  }

  #connectionField(
    nodeType: string,
    edge: TypedEdge,
  ): GraphQLFieldConfig<GraphNode, ApiContext, ConnectionArguments> {
    const { edgeType, direction, declared, far, fields } = edge;
    const target = this.#target(far);
    const side: ConnectionSide = { edgeType, direction, own: fields, far: target?.fields ?? [] };
    const names = connectionTypeNames(edge.typeName);
    const path = edgePath({ nodeType, edgeType, direction });
    const where = typedWhereType(names.where, `an edge \`${edgeType}\``, fields, () =>
      this.#whereType(target),
    );
    const connection = new GraphQLObjectType<ConnectionAnswer, ApiContext>({
      name: names.connection,
      fields: () => ({
        edges: { type: listOf(this.#edgeType(names.edge, path, edge, target)) },
        pageInfo: { type: new GraphQLNonNull(pageInfoType) },
        completeness: { type: new GraphQLNonNull(completenessType) },
        freshness: { type: listOf(freshnessType) },
      }),
    });
    return {
      type: new GraphQLNonNull(connection),
      description: `\`${path}\`: ${direction === 'out' ? 'where it leads' : `from ${far.join(', ')}`}, one edge for each event that touched it.`,
      args: connectionArguments(where),
      extensions: { cost: connectionCost(side), reads: { edgeType } satisfies Reads },
      resolve: async (source, input, context) => await readConnection(source, side, input, context),
      ...(declared ? {} : gone),
    };
  }

  #edgeType(
    name: string,
    path: string,
    { edgeType, fields }: TypedEdge,
    target: TypedNode | null,
  ): GraphQLObjectType<FoundEdge, ApiContext> {
    return new GraphQLObjectType<FoundEdge, ApiContext>({
      name,
      fields: {
        cursor: {
          type: new GraphQLNonNull(GraphQLString),
          resolve: ({ position }) => writeEdgeCursor(position),
        },
        time: {
          type: new GraphQLNonNull(dateTimeScalar),
          description: 'Event time.',
          resolve: ({ occurrence }) => occurrence.timeMs,
        },
        key: {
          type: GraphQLString,
          description: 'Of an edge type that may lead several times from one node to another.',
          resolve: ({ occurrence }) => occurrence.key,
        },
        node: this.#farField(path, target),
        nodeRef: {
          type: new GraphQLNonNull(nodeRefType),
          description: 'Which node is at the far end, whatever its type has become.',
          resolve: ({ position }) => position.far,
        },
        properties: {
          type: new GraphQLNonNull(jsonScalar),
          description: "All of the edge's by name, also those without a field of their own.",
          resolve: ({ occurrence }) => propertiesObject(occurrence.properties),
        },
        lineage: {
          type: lineageType,
          description: 'Which record this edge is from; null when unknown.',
          resolve: ({ occurrence }) => occurrence.lineage,
        },
        ...Object.fromEntries(fields.map((field) => [field.name, edgeProperty(edgeType, field)])),
      },
    });
  }

  #farField(path: string, target: TypedNode | null): GraphQLFieldConfig<FoundEdge, ApiContext> {
    return {
      type: target === null ? graphNodeType : this.of(target),
      description: 'Null when it was deleted meanwhile.',
      resolve: async ({ position: { far }, view }, _arguments, context, info): Promise<GraphNode | null> => {
        if (target !== null) checkFarType(far, path, target.nodeType);
        if (view !== null) return graphNode(view);
        if (!selectsNode(info)) return { node: far, values: new Map(), lineage: null };
        const read = await loaderOf(context).node(far);
        return read === null ? null : graphNode(read);
      },
    };
  }

  /** The one type at the far end; null where there are several, or it has no type in GraphQL. */
  #target(far: readonly string[]): TypedNode | null {
    const [only] = far;
    return far.length === 1 && only !== undefined ? (this.#nodes.get(only) ?? null) : null;
  }

  #whereType(target: TypedNode | null): GraphQLInputObjectType | null {
    const fields: readonly WhereField[] = target?.fields ?? [];
    if (target === null || target.whereName === null || fields.length === 0) return null;
    const { whereName, nodeType } = target;
    const type = this.#wheres.get(whereName) ?? typedWhereType(whereName, nodeType, fields, () => null);
    this.#wheres.set(whereName, type);
    return type;
  }
}

function nodeProperty(nodeType: string, field: TypedField): GraphQLFieldConfig<GraphNode, ApiContext> {
  const path = `${nodeType}.${field.property}`;
  const resolve = ({ values }: GraphNode): unknown => typedValue(field, values.get(field.property), path);
  const reads = { property: field.property } satisfies Reads;
  return { ...propertyField(field), extensions: { ...readsNode, reads }, resolve };
}

function edgeProperty(edgeType: string, field: TypedField): GraphQLFieldConfig<FoundEdge, ApiContext> {
  const path = `${edgeType}.${field.property}`;
  return {
    ...propertyField(field),
    resolve: ({ values }) => typedValue(field, values.get(field.property), path),
  };
}

function propertyField({
  name,
  property,
  kind,
  many,
  declared,
}: TypedField): Pick<GraphQLFieldConfig<unknown, ApiContext>, 'type' | 'description' | 'deprecationReason'> {
  const { scalar, note } = typedKinds[kind];
  const renamed = name === property ? '' : `Property \`${property}\`.`;
  const description = [renamed, note].filter((part) => part !== '').join(' ');
  return {
    type: many ? new GraphQLList(new GraphQLNonNull(scalar)) : scalar,
    ...(description === '' ? {} : { description }),
    ...(declared ? {} : gone),
  };
}
