import type { GraphQLSchema } from 'graphql';
import { type OperationProblem, problemText, schemaProblems } from './operation-list.ts';
import { readOperationFile } from './persisted-operations.ts';

export { type OperationProblem, problemText };

export interface OperationFileCheck {
  readonly operations: number;
  readonly problems: readonly OperationProblem[];
}

/**
 * What a server with this schema would say about a list of operations.
 *
 * @throws RefusedError `OPERATIONS_INVALID` when the file cannot be read or is too large.
 */
export async function checkOperationFile(
  file: string,
  schema: GraphQLSchema,
  tokensMax: number,
): Promise<OperationFileCheck> {
  const reading = await readOperationFile(file, tokensMax);
  if (reading.kind === 'problems') return { operations: 0, problems: reading.problems };
  const { list } = reading;
  const problems = [...list.operations()].flatMap((operation) => schemaProblems(list, operation, schema));
  return { operations: list.size, problems };
}
