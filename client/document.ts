import { JourneyGraphClientError } from './client-error.ts';
import type { TableField } from './selection.ts';

export interface Document {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

type Table = Readonly<Record<string, Readonly<Record<string, TableField>>>>;

/** No type of ours nests as deep; a selection that holds itself does. */
const depthMax = 64;
const name = /^[_A-Za-z][_0-9A-Za-z]*$/;

export type Root = 'Query' | 'Mutation';

/** A selection as an operation. Arguments become variables, so the text is the same whatever is asked for, and no value can be taken for a part of it. */
export function documentOf(table: Table, selection: object, root: Root = 'Query'): Document {
  const writer = new DocumentWriter(table);
  const body = writer.set(root, selection, 0);
  const declared = [...writer.types].map(([variable, type]) => `$${variable}: ${type}`);
  const kind = root === 'Query' ? 'query' : 'mutation';
  const head = declared.length === 0 ? kind : `${kind} (${declared.join(', ')})`;
  return { text: `${head} ${body}`, variables: writer.variables };
}

class DocumentWriter {
  readonly variables: Record<string, unknown> = {};
  readonly types = new Map<string, string>();
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  set(type: string, selection: object, depth: number): string {
    if (depth > depthMax) throw refused(`A selection nests at most ${depthMax} levels.`);
    const parts: string[] = [];
    for (const [field, wanted] of Object.entries(selection)) {
      if (field === '$' || wanted === undefined) continue;
      if (field === '$on') parts.push('__typename', ...this.#onTypes(wanted, depth));
      else parts.push(this.#field(type, checked(field), wanted, depth));
    }
    if (parts.length === 0) throw refused(`Nothing is selected of ${type}.`);
    return `{ ${parts.join(' ')} }`;
  }

  #onTypes(wanted: unknown, depth: number): string[] {
    if (!isObject(wanted)) throw refused('`$on` takes a selection for each type.');
    return Object.entries(wanted).flatMap(([type, selection]) =>
      isObject(selection) ? [`... on ${checked(type)} ${this.set(type, selection, depth + 1)}`] : [],
    );
  }

  #field(type: string, field: string, wanted: unknown, depth: number): string {
    const known = own(own(this.#table, type) ?? {}, field);
    if (wanted === true) {
      if (known?.of === undefined) return field;
      throw refused(`${type}.${field} is no leaf: say what of it.`);
    }
    if (!isObject(wanted)) throw refused(`${type}.${field} takes true or a selection.`);
    const given = this.#arguments(`${type}.${field}`, known?.args ?? {}, Reflect.get(wanted, '$'));
    return known?.of === undefined
      ? `${field}${given}`
      : `${field}${given} ${this.set(known.of, wanted, depth + 1)}`;
  }

  #arguments(path: string, types: Readonly<Record<string, string>>, given: unknown): string {
    if (!isObject(given)) return '';
    const written = Object.entries(given).flatMap(([argument, value]) => {
      if (value === undefined) return [];
      const type = own(types, argument);
      if (type === undefined) throw refused(`${path} has no argument "${argument}".`);
      const variable = `v${this.types.size}`;
      this.types.set(variable, type);
      this.variables[variable] = value;
      return [`${argument}: $${variable}`];
    });
    return written.length === 0 ? '' : `(${written.join(', ')})`;
  }
}

/** A field may be called as what every object inherits. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function checked(text: string): string {
  if (name.test(text)) return text;
  throw refused(`"${text}" is no name in GraphQL.`);
}

function refused(message: string): JourneyGraphClientError {
  return new JourneyGraphClientError({ code: 'BAD_SELECTION', message });
}
