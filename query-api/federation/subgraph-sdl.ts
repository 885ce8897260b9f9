import {
  type ConstDirectiveNode,
  type DocumentNode,
  type GraphQLSchema,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  printSchema,
  visit,
} from 'graphql';

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])`;

/** Every subgraph with Relay connections has a `PageInfo`, and they are alike. */
const shared: ReadonlySet<string> = new Set(['PageInfo']);

/**
 * What a router composes a supergraph from: the schema with a key for each node type. `schema` is the one without the fields of federation.
 *
 * Another subgraph may refer to a node that is not there, or not for this caller. For the router such a node is there all the same, with none of our
 * fields; so all but the key are nullable here, or one stale reference would take the whole answer with it.
 */
export function subgraphSdl(schema: GraphQLSchema, entities: ReadonlySet<string>): string {
  const document = parse(printSchema(schema), { noLocation: true });
  const loose = looseTypes(document, entities);
  const marked = visit(document, {
    ObjectTypeDefinition: (node) => {
      const { value } = node.name;
      if (entities.has(value)) return withNullableFields(withDirective(node, '@key(fields: "id")'));
      return shared.has(value) ? withDirective(node, '@shareable') : undefined;
    },
    InterfaceTypeDefinition: (node) => (loose.has(node.name.value) ? withNullableFields(node) : undefined),
  });
  return `${link}\n\n${print(marked)}\n`;
}

/** The interfaces of entities: a field may be no looser in a type than in its interface. */
function looseTypes({ definitions }: DocumentNode, entities: ReadonlySet<string>): ReadonlySet<string> {
  const names = definitions.flatMap((definition) =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION && entities.has(definition.name.value)
      ? (definition.interfaces ?? []).map(({ name }) => name.value)
      : [],
  );
  return new Set(names);
}

function withNullableFields<T extends ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode>(node: T): T {
  const fields = node.fields?.map((field) =>
    field.name.value !== 'id' && field.type.kind === Kind.NON_NULL_TYPE
      ? { ...field, type: field.type.type }
      : field,
  );
  return { ...node, fields };
}

function withDirective(node: ObjectTypeDefinitionNode, text: string): ObjectTypeDefinitionNode {
  const [definition] = parse(`type T ${text} { id: ID }`, { noLocation: true }).definitions;
  const added: readonly ConstDirectiveNode[] =
    definition?.kind === Kind.OBJECT_TYPE_DEFINITION ? (definition.directives ?? []) : [];
  return { ...node, directives: [...(node.directives ?? []), ...added] };
}
