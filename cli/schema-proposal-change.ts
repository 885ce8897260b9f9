import avsc from 'avsc';
import { RefusedError } from '../foundation/index.ts';
import { type Field, idOf, innerFields, isScalar, namedBy } from './schema-proposal-fields.ts';
import { constant, pascal, singular } from './schema-proposal-names.ts';

/** A row before and after a change of it, as change data capture publishes it. */
export interface Change {
  readonly before: Field | null;
  readonly after: Field;
  /** What was done to the row; null where the envelope does not say. */
  readonly operation: Field | null;
  readonly source: Field | null;
}

/** Null for what is no such envelope. */
export function changeOf(fields: readonly Field[]): Change | null {
  const named = (name: string): Field | null => fields.find((field) => field.name === name) ?? null;
  const after = named('after');
  const before = named('before');
  const operation = named('op') ?? named('operation');
  if (after === null || innerFields(after).length === 0) return null;
  if (before === null && operation === null) return null;
  return {
    before: before !== null && innerFields(before).length > 0 ? before : null,
    after,
    operation,
    source: named('source'),
  };
}

/** The row as a node that goes when the row is deleted, and what its foreign keys name. `table` is the name of the rows. */
export function proposeChange(
  { before, after, operation, source }: Change,
  common: object,
  table: string,
): { readonly graph: object; readonly notes: readonly string[] } {
  const inner = innerFields(after);
  const row = singular(table);
  const id = idOf(row, inner);
  if (id === null) {
    const columns = inner.map(({ name }) => name).join(', ');
    throw new RefusedError(
      'SCHEMA_INVALID',
      `No mapping can be proposed: no column of the row is its id, such as \`id\` or \`${row}_id\`, among ${columns}.`,
    );
  }
  const type = pascal(row);
  const others = inner
    .filter((field) => field !== id)
    .map((field) => ({ field, what: namedBy(field) }))
    .filter(({ what }) => what !== null && pascal(what) !== type && what !== 'current' && what !== 'gone');
  const references = new Map(others.map(({ field, what }) => [pascal(what ?? ''), field.path]));
  const properties = inner.filter((field) => field !== id && isScalar(field.type));
  const gone = before === null ? null : { as: 'gone', type, id: `before.${id.name}`, optional: true };
  const rank = source === null ? undefined : rankOf(source);
  const graph = {
    ...common,
    ...(rank === undefined ? {} : { rank: rank.path }),
    nodes: [
      {
        as: 'current',
        type,
        id: id.path,
        optional: true,
        properties: Object.fromEntries(properties.map(({ name, path }) => [name, path])),
      },
      ...[...references].map(([as, path]) => ({ type: as, id: path, optional: true })),
      ...(gone === null ? [] : [{ ...gone, where: deletionOf(operation), op: 'delete' }]),
    ],
    edges: [...references.keys()].map((as) => ({
      type: `${constant(type)}_${constant(as)}`,
      from: 'current',
      to: as,
    })),
  };
  const notes = [
    `It is an envelope of row changes: ${type} is the row afterwards, deleted with the row, and no journey is proposed, since a changed row is nobody's step.`,
    ...(rank === undefined
      ? []
      : [`${rank.path}, a place in the database's log, tells the last of several changes at one time.`]),
    ...inner
      .filter(({ type: column }) => column instanceof avsc.types.ArrayType)
      .map(({ path }) => `${path} is a list, left out: \`forEach\` makes nodes of its items.`),
  ];
  return { graph, notes };
}

/** Where the row is gone: by the operation's letter or symbol, else because there is no row afterwards. */
function deletionOf(operation: Field | null): string {
  if (operation?.type instanceof avsc.types.StringType && operation.name === 'op') return "op == 'd'";
  if (operation?.type instanceof avsc.types.EnumType) {
    const symbol = operation.type.symbols.find((name) => /^d(?:el|eleted?)?$/i.test(name));
    if (symbol !== undefined) return `${operation.name} == '${symbol}'`;
  }
  return '!has(event.after)';
}

/** Of a database's log: PostgreSQL's, MySQL's. */
function rankOf(source: Field): Field | undefined {
  const isWhole = ({ type }: Field): boolean =>
    type instanceof avsc.types.LongType || type instanceof avsc.types.IntType;
  return innerFields(source).find((field) => /^(?:lsn|pos)$/.test(field.name) && isWhole(field));
}
