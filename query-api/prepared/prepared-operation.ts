import {
  type ArgumentNode,
  BREAK,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  visit,
} from 'graphql';
import { must } from '../../foundation/index.ts';
import type { ApiContext } from '../api-context.ts';
import type { CostContext } from '../cost/field-cost.ts';
import { isFieldCost, planReads, type QueryPlan, type RootRead } from '../cost/query-plan.ts';
import { fieldsOf, type Writer, writerOf } from './answer-writer.ts';
import { Replay } from './replay.ts';
import { type VariableReader, variableReader } from './variable-reader.ts';

interface RootField {
  readonly key: string;
  /** What stands in front of its value. */
  readonly head: string;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly cost: RootRead['cost'];
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  /** Null when they are wrong. */
  readonly argumentsFrom: (
    variables: Readonly<Record<string, unknown>>,
  ) => Readonly<Record<string, unknown>> | null;
  readonly write: Writer;
}

/** What a request's variables come to. */
export interface Coerced {
  readonly variables: Readonly<Record<string, unknown>>;
  /** The arguments of its root fields, by where these are written. */
  readonly inputs: ReadonlyMap<FieldNode, Readonly<Record<string, unknown>>>;
}

/**
 * A query that was parsed, validated and run before. It reads at its root alone; what is below is written as it was found, so that of a regular answer
 * nothing is made but its text. Any other answer is GraphQL's to make, of the same reads.
 */
export class PreparedOperation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly #type: GraphQLObjectType;
  readonly #fragments: Record<string, FragmentDefinitionNode>;
  readonly #fields: readonly RootField[];
  readonly #variables: VariableReader;

  private constructor(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    type: GraphQLObjectType,
    fragments: Record<string, FragmentDefinitionNode>,
    fields: readonly RootField[],
  ) {
    this.schema = schema;
    this.document = document;
    this.operation = operation;
    this.#type = type;
    this.#fragments = fragments;
    this.#fields = fields;
    this.#variables = variableReader(schema, operation);
  }

  /** Null of one that has to be executed by GraphQL itself; of a document with several operations always. */
  static of(schema: GraphQLSchema, document: DocumentNode): PreparedOperation | null {
    const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
    const [operation] = operations;
    const type = schema.getQueryType();
    if (operation === undefined || operations.length > 1 || type == null) return null;
    if (operation.operation !== OperationTypeNode.QUERY || (operation.directives ?? []).length > 0)
      return null;
    const fragments = new Map(
      document.definitions.flatMap((one) =>
        one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [],
      ),
    );
    const fields = rootFields({ schema, fragments }, type, operation);
    return fields === null
      ? null
      : new PreparedOperation(schema, document, operation, type, Object.fromEntries(fragments), fields);
  }

  get name(): string | null {
    return this.operation.name?.value ?? null;
  }

  /** Null when the variables are wrong: executing says how. */
  coerce(given: Readonly<Record<string, unknown>>): Coerced | null {
    const variables = this.#variables(given);
    if (variables === null) return null;
    const inputs = new Map<FieldNode, Readonly<Record<string, unknown>>>();
    for (const { nodes, argumentsFrom } of this.#fields) {
      const input = argumentsFrom(variables);
      if (input === null) return null;
      inputs.set(nodes[0], input);
    }
    return { variables, inputs };
  }

  /** What it reads at most. */
  plan({ inputs }: Coerced, context: CostContext): QueryPlan {
    const reads = this.#fields.map(({ key, nodes: [node], cost }) => {
      const input = must(inputs.get(node), 'the arguments of each root field were coerced');
      return { path: key, node, cost, input };
    });
    return planReads(reads, context);
  }

  /** What its root fields give. */
  async resolve(coerced: Coerced, context: ApiContext): Promise<Replay> {
    const outcomeOf = async (field: RootField): Promise<readonly [string, PromiseSettledResult<unknown>]> => [
      field.key,
      await this.#settle(field, coerced, context),
    ];
    const [first, ...others] = this.#fields;
    // Nearly every operation has one.
    if (first !== undefined && others.length === 0) return new Replay(new Map([await outcomeOf(first)]));
    return new Replay(new Map(await Promise.all(this.#fields.map(outcomeOf))));
  }

  /** The data of the answer; null where something came up that GraphQL has rules for. */
  write(given: Replay): string | null {
    try {
      const parts = this.#fields.map(({ head, key, write }) => head + write(given.take(key)));
      return `{${parts.join(',')}}`;
    } catch {
      // Whatever it was: GraphQL meets the same again, and says what is to be said.
      return null;
    }
  }

  async #settle(
    field: RootField,
    coerced: Coerced,
    context: ApiContext,
  ): Promise<PromiseSettledResult<unknown>> {
    try {
      return { status: 'fulfilled', value: await this.#resolve(field, coerced, context) };
    } catch (reason) {
      return { status: 'rejected', reason };
    }
  }

  #resolve(
    { key, definition, nodes }: RootField,
    { variables, inputs }: Coerced,
    context: ApiContext,
  ): unknown {
    const { resolve, name, type } = definition;
    return resolve?.(undefined, inputs.get(nodes[0]), context, {
      fieldName: name,
      fieldNodes: nodes,
      returnType: type,
      parentType: this.#type,
      path: { prev: undefined, key, typename: this.#type.name },
      schema: this.schema,
      fragments: this.#fragments,
      rootValue: undefined,
      operation: this.operation,
      variableValues: { ...variables },
    });
  }
}

/** What does not depend on variables is coerced once; null where it is wrong. */
function argumentsOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
): RootField['argumentsFrom'] | null {
  const varying = new Set((node.arguments ?? []).filter(hasVariable).map(({ name }) => name.value));
  const part = (varies: boolean): GraphQLField<unknown, unknown> => ({
    ...definition,
    args: definition.args.filter(({ name }) => varying.has(name) === varies),
  });
  const fixed = valuesOf(part(false), node, {});
  const others = part(true);
  if (fixed === null) return null;
  return (variables) => {
    const values = valuesOf(others, node, variables);
    return values === null ? null : { ...fixed, ...values };
  };
}

function valuesOf(
  definition: GraphQLField<unknown, unknown>,
  node: FieldNode,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> | null {
  try {
    return getArgumentValues(definition, node, { ...variables });
  } catch {
    // Executing meets the same fault and says where it is.
    return null;
  }
}

function hasVariable(argument: ArgumentNode): boolean {
  let found = false;
  visit(argument, {
    Variable: () => {
      found = true;
      return BREAK;
    },
  });
  return found;
}

function rootFields(
  selected: Parameters<typeof fieldsOf>[0],
  type: GraphQLObjectType,
  operation: OperationDefinitionNode,
): readonly RootField[] | null {
  const fields = fieldsOf(selected, type, [operation]);
  if (fields === null) return null;
  const roots: RootField[] = [];
  for (const [key, [node, ...others]] of fields) {
    const definition = node === undefined ? undefined : type.getFields()[node.name.value];
    // One that says its cost can be replayed.
    if (node === undefined || definition?.resolve === undefined) return null;
    const { cost } = definition.extensions;
    const nodes = [node, ...others] as const;
    const write = writerOf(selected, definition.type, nodes);
    const argumentsFrom = argumentsOf(definition, node);
    if (write === null || argumentsFrom === null || !isFieldCost(cost)) return null;
    roots.push({ argumentsFrom, key, head: `${JSON.stringify(key)}:`, definition, cost, nodes, write });
  }
  return roots;
}
