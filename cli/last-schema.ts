import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BreakingChange,
  buildSchema,
  findBreakingChanges,
  type GraphQLSchema,
  printSchema,
} from 'graphql';
import type { Clock, Log } from '../foundation/index.ts';
import { readText } from './schema-files.ts';
import { syncFolder } from './whole-file.ts';

/** The GraphQL schema that was served last, below a server's data folder. */
export function lastSchemaFile(data: string): string {
  return join(data, 'api-schema.graphql');
}

/** Printing and comparing take milliseconds: no request waits for them, and mappings that change all the time cost them so often at most. */
const lookAfterMs = 1000;
/** In one line of the log. */
const namedMax = 20;
const descriptionLengthMax = 200;

/**
 * Keeps the schema that clients were last answered with, over restarts, and says in the log by name what of a new one breaks them. Beside requests: none waits for it,
 * and what fails of it costs nothing but the comparison.
 */
export class LastSchema {
  readonly #file: string;
  readonly #data: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Null until the file has been looked at. */
  #last: { readonly text: string; readonly schema: GraphQLSchema } | 'none' | null = null;
  #next: GraphQLSchema | null = null;
  #working: Promise<void> | null = null;
  readonly #ending = new AbortController();

  constructor(data: string, clock: Clock, log: Log) {
    this.#data = data;
    this.#file = lastSchemaFile(data);
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns at once. Of several that come meanwhile the newest counts. */
  readonly served = (schema: GraphQLSchema): void => {
    this.#next = schema;
    this.#working ??= this.#work();
  };

  /** Waits for no more than what has to be written. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#next !== null) {
      await this.#clock.sleep(lookAfterMs, this.#ending.signal);
      const schema = this.#next;
      this.#next = null;
      try {
        await this.#take(schema);
      } catch (error) {
        const message =
          'The GraphQL schema that is served could not be kept; the next start compares with an older one.';
        this.#log.warn({ file: this.#file, error }, message);
      }
    }
    this.#working = null;
  }

  async #take(schema: GraphQLSchema): Promise<void> {
    const text = `${printSchema(schema)}\n`;
    this.#last ??= await this.#read(text, schema);
    const last = this.#last;
    if (last !== 'none') {
      if (last.text === text) return;
      const breaking = findBreakingChanges(last.schema, schema);
      if (breaking.length > 0) this.#say(breaking);
    }
    // What could not be written is compared with all the same: it has been said once.
    this.#last = { text, schema };
    await this.#write(text);
  }

  /** `schema` stands for a file that has its text: most starts build none. */
  async #read(
    text: string,
    schema: GraphQLSchema,
  ): Promise<{ text: string; schema: GraphQLSchema } | 'none'> {
    try {
      const before = await readText(this.#file);
      return { text: before, schema: before === text ? schema : buildSchema(before) };
    } catch (error) {
      if (isAbsent(error)) return 'none';
      const message =
        'The GraphQL schema that was served last cannot be read, so nothing is compared with it; it is replaced.';
      this.#log.warn({ file: this.#file, error }, message);
      return 'none';
    }
  }

  #say(breaking: readonly BreakingChange[]): void {
    const named = breaking.slice(0, namedMax);
    const more = breaking.length - named.length;
    const fields = {
      breaking: named.map(({ description }) => description.slice(0, descriptionLengthMax)),
      ...(more === 0 ? {} : { more }),
    };
    this.#log.warn(
      fields,
      'The GraphQL schema that is served breaks clients of the one that was served last.',
    );
  }

  /** Under its name there is never a part of one. One process at a time has the folder. */
  async #write(text: string): Promise<void> {
    const temporary = `${this.#file}.partial`;
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#file);
    await syncFolder(this.#data);
  }
}

function isAbsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
