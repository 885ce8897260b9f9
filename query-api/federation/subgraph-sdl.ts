import {
  type ConstDirectiveNode,
  type GraphQLSchema,
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

/** What a router composes a supergraph from: the schema with a key for each node type. `schema` is the one without the fields of federation. */
export function subgraphSdl(schema: GraphQLSchema, entities: ReadonlySet<string>): string {
  const document = parse(printSchema(schema), { noLocation: true });
  const marked = visit(document, {
    ObjectTypeDefinition: (node) => {
      const { value } = node.name;
      if (entities.has(value)) return withDirective(node, '@key(fields: "id")');
      return shared.has(value) ? withDirective(node, '@shareable') : undefined;
    },
  });
  return `${link}\n\n${print(marked)}\n`;
}

function withDirective(node: ObjectTypeDefinitionNode, text: string): ObjectTypeDefinitionNode {
  const [definition] = parse(`type T ${text} { id: ID }`, { noLocation: true }).definitions;
  const added: readonly ConstDirectiveNode[] =
    definition?.kind === Kind.OBJECT_TYPE_DEFINITION ? (definition.directives ?? []) : [];
  return { ...node, directives: [...(node.directives ?? []), ...added] };
}
