import { tooLarge } from './api-error.ts';

/**
 * How many steps one query may still ask for, all its journeys together. A page is turned into an answer in one go: without
 * this, a journey under each allowed alias would keep every other caller waiting.
 */
export class StepBudget {
  readonly #max: number;
  #left: number;

  constructor(max: number) {
    this.#max = max;
    this.#left = max;
  }

  /** Throws a GraphQLError `QUERY_TOO_LARGE` when the steps asked for before and these come to too many. */
  take(steps: number): void {
    this.#left -= steps;
    if (this.#left >= 0) return;
    throw tooLarge(
      `The journeys of one query take at most ${this.#max} steps together; lower "first".`,
      this.#max,
    );
  }
}
