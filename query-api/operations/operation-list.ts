import { createHash } from 'node:crypto';
import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { sourceRefusal } from '../query-source.ts';

export interface PersistedOperation {
  readonly id: string;
  readonly text: string;
}

/** Something wrong with a list; the line is the file's. */
export interface OperationProblem {
  readonly line: number;
  /** Null when it is about the file as a whole. */
  readonly id: string | null;
  readonly sentence: string;
}

export type OperationListReading =
  | { readonly kind: 'list'; readonly list: OperationList }
  | { readonly kind: 'problems'; readonly problems: readonly OperationProblem[] };

export const operationsMax = 10_000;
export const listBytesMax = 16 * 2 ** 20;
const idCharactersMax = 256;
const apolloFormat = 'apollo-persisted-query-manifest';
const problemsMax = 50;
const problemsEachMax = 5;

/** Documents that clients may ask for by their id. */
export class OperationList {
  readonly #byId: ReadonlyMap<string, PersistedOperation>;
  readonly #byHash: ReadonlyMap<string, PersistedOperation>;
  readonly #source: string;

  constructor(operations: readonly PersistedOperation[], source: string) {
    this.#byId = new Map(operations.map((one) => [one.id, one]));
    this.#byHash = new Map(operations.map((one) => [sha256(one.text), one]));
    this.#source = source;
  }

  get size(): number {
    return this.#byId.size;
  }

  operations(): Iterable<PersistedOperation> {
    return this.#byId.values();
  }

  /** By the id that the list gives it, or by the SHA-256 of its text in hex digits, with or without `sha256:` in front. */
  find(id: string): PersistedOperation | null {
    const hash = id.startsWith('sha256:') ? id.slice('sha256:'.length) : id;
    return this.#byId.get(id) ?? this.#byHash.get(hash.toLowerCase()) ?? null;
  }

  /** The line of the file where an operation begins. */
  lineOf(operation: PersistedOperation): number {
    return lineOf(this.#source, operation.id);
  }
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Reads a list as Apollo's tooling writes it (`{"format": "apollo-persisted-query-manifest", "operations": [{id, body}]}`) or Relay's
 * (`{"id": "document"}`). Each document has to be GraphQL within the limits; whether it fits a schema is for {@link schemaProblems}.
 */
export function readOperationList(source: string, tokensMax: number): OperationListReading {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const [, line] = /\(line (\d+) column \d+\)/.exec(message) ?? [];
    return failed(Number(line ?? 1), 'is no JSON');
  }
  const entries = entriesOf(json);
  if (entries === null) {
    return failed(
      1,
      `is no list of operations: write {"ID": "DOCUMENT"}, or Apollo's manifest with "format": "${apolloFormat}", "version": 1 and "operations"`,
    );
  }
  if (entries.length > operationsMax) return failed(1, `has more than ${operationsMax} operations`);
  const operations: PersistedOperation[] = [];
  const problems: OperationProblem[] = [];
  const seen = new Set<string>();
  for (const [id, text] of entries) {
    if (problems.length >= problemsMax) break;
    const sentence = entryProblem(id, text, seen) ?? documentProblem(String(text), tokensMax);
    const name = typeof id === 'string' ? id.slice(0, idCharactersMax) : null;
    if (sentence !== null) problems.push({ line: lineOf(source, name ?? ''), id: name, sentence });
    else if (typeof id === 'string' && typeof text === 'string') operations.push({ id, text });
  }
  if (problems.length > 0) return { kind: 'problems', problems };
  return { kind: 'list', list: new OperationList(operations, source) };
}

function failed(line: number, sentence: string): OperationListReading {
  return { kind: 'problems', problems: [{ line, id: null, sentence }] };
}

type Entry = readonly [id: unknown, text: unknown];

function entriesOf(json: unknown): readonly Entry[] | null {
  if (!isObject(json)) return null;
  if (json.format === undefined) {
    const entries = Object.entries(json);
    return entries.every(([, text]) => typeof text === 'string') ? entries : null;
  }
  if (json.format !== apolloFormat || json.version !== 1 || !Array.isArray(json.operations)) return null;
  return json.operations.map((one: unknown) => (isObject(one) ? [one.id, one.body] : [undefined, undefined]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function entryProblem(id: unknown, text: unknown, seen: Set<string>): string | null {
  if (typeof id !== 'string' || typeof text !== 'string') return 'wants an `id` and a `body`, both text';
  if (id === '' || id.length > idCharactersMax)
    return `has an id that is not 1 to ${idCharactersMax} characters long`;
  if (seen.has(id)) return 'is there twice';
  seen.add(id);
  return null;
}

function documentProblem(text: string, tokensMax: number): string | null {
  const refusal = sourceRefusal(text, tokensMax);
  if (refusal !== null) return clause(refusal);
  try {
    parse(text);
    return null;
  } catch (error) {
    return clause(error);
  }
}

/** What of an operation does not fit the schema. */
export function schemaProblems(
  list: OperationList,
  operation: PersistedOperation,
  schema: GraphQLSchema,
): readonly OperationProblem[] {
  const document: DocumentNode = parse(operation.text);
  const errors = validate(schema, document, undefined, { maxErrors: problemsEachMax });
  if (errors.length === 0) return [];
  const line = list.lineOf(operation);
  return errors
    .slice(0, problemsEachMax)
    .map((error) => ({ line, id: operation.id, sentence: clause(error) }));
}

/** With the place inside the document, which in JSON is one line. */
function clause(error: unknown): string {
  if (!(error instanceof GraphQLError)) return 'cannot be read';
  const [at] = error.locations ?? [];
  return at === undefined ? error.message : `${at.line}:${at.column}: ${error.message}`;
}

/** Where a text stands in JSON for the first time; 1 where it does not. Only for what is wrong: it goes through the whole file. */
function lineOf(source: string, value: string): number {
  let line = 1;
  let counted = 0;
  for (const { 0: literal, index } of source.matchAll(/"(?:[^"\\\n]|\\.)*"/g)) {
    if (literal.length > 6 * idCharactersMax + 2 || JSON.parse(literal) !== value) continue;
    for (; counted < index; counted += 1) if (source.codePointAt(counted) === 10) line += 1;
    return line;
  }
  return 1;
}

export function problemText(file: string, { line, id, sentence }: OperationProblem): string {
  return `${file}:${line}: ${id === null ? '' : `operation \`${id}\`: `}${sentence}`;
}
