import { readFile, stat } from 'node:fs/promises';
import type { GraphQLSchema } from 'graphql';
import { type Clock, type Log, RefusedError } from '../../foundation/index.ts';
import {
  listBytesMax,
  type OperationList,
  type OperationListReading,
  type PersistedOperation,
  problemText,
  readOperationList,
  schemaProblems,
} from './operation-list.ts';

export interface PersistedOperationsParts {
  readonly file: string;
  readonly tokensMax: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The file is looked at no more often, and only when somebody asks. */
const lookEveryMs = 2000;
const shownProblemsMax = 20;
/** Documents validated before other requests have their turn. */
const sliceDocuments = 10;

/**
 * The list of operations as its file has it. A changed file is read again with the requests that follow; while it cannot be used, the last good
 * list stays in force.
 */
export class PersistedOperations {
  readonly #parts: PersistedOperationsParts;
  #list: OperationList;
  #stamp: string;
  #lookedMs: number;
  #looking: Promise<void> | null = null;
  /** What the list was last compared with. */
  #compared: { readonly list: OperationList; readonly schema: GraphQLSchema } | null = null;

  /** @throws RefusedError `OPERATIONS_INVALID` with every problem, each with its line. */
  static async open(parts: PersistedOperationsParts): Promise<PersistedOperations> {
    const stamp = await stampOf(parts.file);
    return new PersistedOperations(parts, await readList(parts), stamp);
  }

  private constructor(parts: PersistedOperationsParts, list: OperationList, stamp: string) {
    this.#parts = parts;
    this.#list = list;
    this.#stamp = stamp;
    this.#lookedMs = parts.clock.now();
  }

  /** Null when the list has none of that id, although its file was just looked at. */
  async find(id: string): Promise<PersistedOperation | null> {
    const due = this.#look();
    const found = this.#list.find(id);
    if (found !== null) return found;
    // Clients are often released with the operations that they ask for.
    await due;
    return this.#list.find(id);
  }

  /** Says in the log which operations do not fit a schema: once for each list and schema, a few at a time. Never rejects. */
  async compare(schema: GraphQLSchema): Promise<void> {
    const list = this.#list;
    if (this.#compared?.list === list && this.#compared.schema === schema) return;
    const comparing = { list, schema };
    this.#compared = comparing;
    const { file, log } = this.#parts;
    try {
      const bad = await this.#compareAll(list, schema, () => this.#compared !== comparing);
      if (bad === 0) return;
      const message = 'Persisted operations do not fit the schema in force; asking for one of them fails.';
      log.error({ alarm: 'OPERATIONS_NOT_VALID', file, operations: bad }, message);
    } catch (error) {
      log.error({ file, error }, 'The persisted operations could not be compared with the schema.');
    }
  }

  /** How many do not fit; none when another schema or list came meanwhile, and with it another comparison. */
  async #compareAll(list: OperationList, schema: GraphQLSchema, isOver: () => boolean): Promise<number> {
    const { file, clock, log } = this.#parts;
    let bad = 0;
    let checked = 0;
    for (const operation of list.operations()) {
      const problems = schemaProblems(list, operation, schema);
      if (problems.length > 0) bad += 1;
      for (const problem of bad <= shownProblemsMax ? problems : [])
        log.warn({ operation: operation.id }, problemText(file, problem));
      checked += 1;
      if (checked % sliceDocuments === 0) await clock.sleep(0);
      if (isOver()) return 0;
    }
    return bad;
  }

  /** Resolves when the file has been looked at; at once when that is not due. */
  #look(): Promise<void> {
    if (this.#looking !== null) return this.#looking;
    const nowMs = this.#parts.clock.now();
    if (Math.abs(nowMs - this.#lookedMs) < lookEveryMs) return Promise.resolve();
    this.#lookedMs = nowMs;
    this.#looking = this.#reload().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #reload(): Promise<void> {
    const { file, log } = this.#parts;
    try {
      const stamp = await stampOf(file);
      if (stamp === this.#stamp) return;
      // Whatever comes of it: what cannot be used now is not tried again until it changes.
      this.#stamp = stamp;
      this.#list = await readList(this.#parts);
      log.info({ file, operations: this.#list.size }, 'The persisted operations were read again.');
    } catch (error) {
      const message =
        'The persisted operations changed and cannot be used; the last good list stays in force.';
      log.error({ alarm: 'OPERATIONS_INVALID', file, error }, message);
    }
  }
}

async function stampOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function readList({ file, tokensMax }: PersistedOperationsParts): Promise<OperationList> {
  const reading = await readOperationFile(file, tokensMax);
  if (reading.kind === 'list') return reading.list;
  const lines = reading.problems.map((problem) => problemText(file, problem));
  throw new RefusedError('OPERATIONS_INVALID', `Operations cannot be used:\n${lines.join('\n')}`);
}

/** @throws RefusedError `OPERATIONS_INVALID` when the file cannot be read or is too large. */
export async function readOperationFile(file: string, tokensMax: number): Promise<OperationListReading> {
  let source: Buffer;
  try {
    const { size } = await stat(file);
    if (size > listBytesMax) {
      const message = `${file} is larger than ${listBytesMax} bytes, more than a list of operations may be.`;
      throw new RefusedError('OPERATIONS_INVALID', message);
    }
    source = await readFile(file);
  } catch (cause) {
    if (cause instanceof RefusedError) throw cause;
    throw unreadable(file, cause);
  }
  return readOperationList(source.toString('utf8'), tokensMax);
}

function unreadable(file: string, cause: unknown): RefusedError {
  const why = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new RefusedError('OPERATIONS_INVALID', `${file} cannot be read${why}: name a list of operations.`, {
    cause,
  });
}
