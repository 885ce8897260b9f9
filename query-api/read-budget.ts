import { tooLarge } from './api-error.ts';

/**
 * How many reads of the store one query may still ask for, each node, edge and journey being one. Aliases are counted before a
 * query runs; but every node type has a root field of its own, so a query can ask for many nodes without an alias.
 */
export class ReadBudget {
  readonly #max: number;
  #left: number;

  constructor(max: number) {
    this.#max = max;
    this.#left = max;
  }

  /** Throws a GraphQLError `QUERY_TOO_LARGE` when the reads before used the budget up. */
  take(): void {
    this.#left -= 1;
    if (this.#left >= 0) return;
    throw tooLarge(
      `One query reads at most ${this.#max} nodes, edges, journeys and walks together; ask in several.`,
      this.#max,
    );
  }
}
