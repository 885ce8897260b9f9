import {
  type GraphQLLeafType,
  type GraphQLSchema,
  isLeafType,
  type OperationDefinitionNode,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';
import { coercedVariables } from '../cost/cost-check.ts';

type Variables = Readonly<Record<string, unknown>>;

/** Null when they are wrong. */
export type VariableReader = (given: Variables) => Variables | null;

interface LeafVariable {
  readonly name: string;
  readonly type: GraphQLLeafType;
}

/**
 * What coerces the variables of one operation. GraphQL looks each one's type up and is ready for any value every time; where all are scalars or enums
 * and all are given, that comes down to a call of each one's type. Any other case is GraphQL's.
 */
export function variableReader(schema: GraphQLSchema, operation: OperationDefinitionNode): VariableReader {
  const leaves = (operation.variableDefinitions ?? []).map((one) => leafVariable(schema, one));
  const known = leaves.filter((one) => one !== null);
  const inGeneral: VariableReader = (given) => coercedVariables(schema, operation, given);
  return known.length < leaves.length ? inGeneral : (given) => readLeaves(known, given) ?? inGeneral(given);
}

function leafVariable(
  schema: GraphQLSchema,
  { variable, type }: VariableDefinitionNode,
): LeafVariable | null {
  const declared = type.kind === 'NonNullType' ? type.type : type;
  if (declared.kind !== 'NamedType') return null;
  const named = typeFromAST(schema, declared);
  if (!isLeafType(named)) return null;
  return { name: variable.name.value, type: named };
}

/** Null unless each of them is there and good. */
function readLeaves(leaves: readonly LeafVariable[], given: Variables): Variables | null {
  const variables: Record<string, unknown> = {};
  for (const { name, type } of leaves) {
    const value = Object.hasOwn(given, name) ? given[name] : null;
    const parsed = value === null || value === undefined ? undefined : parsedOrNothing(type, value);
    if (parsed === undefined) return null;
    variables[name] = parsed;
  }
  return variables;
}

function parsedOrNothing(type: GraphQLLeafType, value: unknown): unknown {
  try {
    return type.parseValue(value);
  } catch {
    // GraphQL meets the same fault, and then it is told.
    return undefined;
  }
}
