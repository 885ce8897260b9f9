import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLFloat,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
} from 'graphql';
import type {
  ActionSchema,
  DomainSchema,
  EdgeEnds,
  EdgeTypeSchema,
  GraphSchema,
  NodeTypeSchema,
  PropertySchema,
} from '../schemas/index.ts';
import type { ApiContext } from './api-context.ts';
import { dateTimeScalar } from './scalars.ts';
import type { MappingProblemState, MappingState } from './status-reader.ts';
import type { TypedWarning } from './typed-plan.ts';

const text = new GraphQLNonNull(GraphQLString);
const listOf = (type: GraphQLOutputType): GraphQLNonNull<GraphQLList<GraphQLNonNull<GraphQLOutputType>>> =>
  new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
const declaredBy = {
  type: listOf(GraphQLString),
  description: 'Subjects whose mappings say so.',
};

const propertyKindType = new GraphQLEnumType({
  name: 'PropertyKind',
  values: {
    TEXT: { value: 'text' },
    INTEGER: { value: 'integer', description: 'Whole, of up to 64 bits.' },
    NUMBER: { value: 'number', description: 'Floating point, of 64 bits.' },
    BOOLEAN: { value: 'boolean' },
    TIMESTAMP: {
      value: 'timestamp',
      description: 'Milliseconds since 1970, with a fraction where the event has one.',
    },
    DATE: { value: 'date', description: 'Text such as `2026-11-21`.' },
    TIME_OF_DAY: { value: 'time of day', description: 'Text such as `20:15:00.000`.' },
    DECIMAL: { value: 'decimal', description: 'Text with all digits, such as `12.50`.' },
    BYTES: { value: 'bytes', description: 'Text in base64.' },
  },
});

const idKindType = new GraphQLEnumType({
  name: 'IdKind',
  description: 'Ids are text; this is what the text looks like.',
  values: {
    TEXT: { value: 'text' },
    INTEGER: { value: 'integer', description: 'Digits.' },
    DATE: { value: 'date', description: 'Such as `2026-11-21`.' },
  },
});

const foldType = new GraphQLEnumType({
  name: 'PropertyFold',
  values: {
    LAST: { value: 'last', description: 'Of the newest event that has it.' },
    FIRST: { value: 'first', description: 'Of the oldest event that has it.' },
    MIN: { value: 'min' },
    MAX: { value: 'max' },
    SUM: { value: 'sum', description: 'Each event once, however often it came.' },
    SET: { value: 'set', description: 'All distinct ones.' },
  },
});

const ttl = {
  type: GraphQLFloat,
  description: 'For how many seconds what is known of it is kept; null for ever.',
  resolve: ({ ttlMs }: { readonly ttlMs: number | null }) => (ttlMs === null ? null : ttlMs / 1_000),
};

const propertyType = new GraphQLObjectType<PropertySchema>({
  name: 'GraphProperty',
  fields: {
    name: { type: text },
    kind: { type: new GraphQLNonNull(propertyKindType) },
    many: { type: new GraphQLNonNull(GraphQLBoolean), description: 'True when it has several values.' },
    fold: {
      type: new GraphQLNonNull(foldType),
      description:
        "How the values of an edge's events become one; LAST for a node's, whose newest write wins.",
    },
    declaredBy,
  },
});

const nodeTypeType = new GraphQLObjectType<NodeTypeSchema>({
  name: 'GraphNodeType',
  fields: {
    name: { type: text, description: 'Such as `Account`.' },
    idKind: { type: new GraphQLNonNull(idKindType) },
    properties: { type: listOf(propertyType) },
    timeToLive: ttl,
    declaredBy,
  },
});

const endsType = new GraphQLObjectType<EdgeEnds>({
  name: 'GraphEdgeEnds',
  description: 'Node types that an edge type leads between: one `to` for each `from`.',
  fields: { from: { type: text }, to: { type: text }, declaredBy },
});

const edgeTypeType = new GraphQLObjectType<EdgeTypeSchema>({
  name: 'GraphEdgeType',
  fields: {
    name: { type: text, description: 'Such as `WATCHED`.' },
    ends: { type: listOf(endsType) },
    keyed: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description: 'True when a key tells several edges between two nodes apart.',
    },
    properties: { type: listOf(propertyType) },
    timeToLive: ttl,
    declaredBy,
  },
});

const actionType = new GraphQLObjectType<ActionSchema>({
  name: 'GraphAction',
  fields: { name: { type: text, description: "A step's wording, such as `watched`." }, declaredBy },
});

const domainType = new GraphQLObjectType<DomainSchema>({
  name: 'GraphDomain',
  fields: {
    name: { type: text, description: 'Such as `streaming`.' },
    actions: { type: listOf(actionType) },
    declaredBy,
  },
});

const problemType = new GraphQLObjectType<MappingProblemState>({
  name: 'GraphMappingProblem',
  fields: {
    path: { type: text, description: 'Where in the schema or in the graph, such as `graph.edges[0].to`.' },
    sentence: { type: text, description: 'What is wrong there.' },
  },
});

const alarmType = new GraphQLObjectType<NonNullable<MappingState['alarm']>>({
  name: 'GraphMappingAlarm',
  description: 'A newer version that is not in force, because something is wrong with it.',
  fields: {
    code: { type: text },
    subject: { type: text, description: 'Where it is registered.' },
    version: { type: new GraphQLNonNull(GraphQLInt) },
    problems: { type: listOf(problemType) },
    since: { type: new GraphQLNonNull(dateTimeScalar), resolve: ({ sinceMs }) => sinceMs },
  },
});

const mappingType = new GraphQLObjectType<MappingState>({
  name: 'GraphMapping',
  description: "What a subject's events are read by.",
  fields: {
    subject: { type: text, description: 'Of the events.' },
    registeredUnder: {
      type: GraphQLString,
      description:
        'Where the mapping in force is registered; null while there is none, and the events are left out.',
      resolve: ({ inForce }) => inForce?.subject,
    },
    version: {
      type: GraphQLInt,
      description: 'Of the mapping in force.',
      resolve: ({ inForce }) => inForce?.version,
    },
    alarm: { type: alarmType, description: 'Null when nothing newer is wrong.' },
  },
});

const warningType = new GraphQLObjectType<TypedWarning>({
  name: 'GraphSchemaWarning',
  description: 'A part of the graph schema that has no type or field of its own in GraphQL.',
  fields: {
    path: { type: text, description: 'In the graph, such as `Title.properties`.' },
    sentence: { type: text, description: 'Why, and what to do.' },
  },
});

interface GraphSchemaAnswer extends GraphSchema {
  readonly mappings: readonly MappingState[];
  readonly warnings: readonly TypedWarning[];
}

const graphSchemaType = new GraphQLObjectType<GraphSchemaAnswer>({
  name: 'GraphSchema',
  fields: {
    nodeTypes: { type: listOf(nodeTypeType) },
    edgeTypes: { type: listOf(edgeTypeType) },
    domains: { type: listOf(domainType) },
    mappings: { type: listOf(mappingType), description: 'Which version of which subject is in force.' },
    warnings: { type: listOf(warningType), description: 'What is left out of the typed part of this API.' },
  },
});

/** `graphSchema`: no read of the store. The warnings are those of the schema that the query runs on. */
export function createGraphSchemaField(
  warnings: readonly TypedWarning[],
): GraphQLFieldConfig<unknown, ApiContext> {
  return {
    type: new GraphQLNonNull(graphSchemaType),
    description:
      'What the graph can hold now: the union of all mappings in force, and where each part comes from.',
    resolve: (_source, _arguments, { status }): GraphSchemaAnswer => ({
      ...status.graphSchema(),
      mappings: status.mappings(),
      warnings,
    }),
  };
}
