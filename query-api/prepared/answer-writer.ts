import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLID,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLString,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionNode,
} from 'graphql';
import { jsonText } from '../json-text.ts';
import { PropertiesAnswer } from '../node-type.ts';
import { jsonScalar } from '../scalars.ts';

/** Writes what a resolver gave as JSON. Throws {@link Irregular}, or whatever a resolver throws, where an answer is not just data. */
export type Writer = (value: unknown) => string;

/** Something that executing has rules for, such as a null where none may be: it is for GraphQL to say what comes of it. */
export class Irregular extends Error {
  override readonly name = 'Irregular';
}

/** One for all: nobody looks at its stack. */
const irregular = new Irregular('an answer that is not just data');

/** What selections are looked up in. */
export interface Selected {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

/**
 * What writes a field's value from the object that the field is of, where the field has a way of its own (`extensions.ownWriter`); null where what is
 * selected is beyond that way. Such a writer answers null of an object that it cannot write from: then the general way is gone.
 */
export type OwnWriterOf = (
  selected: Selected,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
) => ((source: unknown) => string | null) | null;

/** The fields of an object, in the order of the answer, each with where it is written; null where that depends on variables. */
export function fieldsOf(
  selected: Selected,
  type: GraphQLObjectType,
  nodes: readonly { readonly selectionSet?: { readonly selections: readonly SelectionNode[] } | undefined }[],
): ReadonlyMap<string, readonly FieldNode[]> | null {
  const fields = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  const collect = (selections: readonly SelectionNode[]): boolean =>
    selections.every((selection) => {
      if ((selection.directives ?? []).length > 0) return false;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const before = fields.get(key);
        if (before === undefined) fields.set(key, [selection]);
        else before.push(selection);
        return true;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (visited.has(selection.name.value)) return true;
        visited.add(selection.name.value);
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : selected.fragments.get(selection.name.value);
      if (fragment === undefined) return false;
      const condition = fragment.typeCondition?.name.value;
      return !applies(selected.schema, type, condition) || collect(fragment.selectionSet.selections);
    });
  return nodes.every(({ selectionSet }) => collect(selectionSet?.selections ?? [])) ? fields : null;
}

function applies(schema: GraphQLSchema, type: GraphQLObjectType, condition: string | undefined): boolean {
  if (condition === undefined || condition === type.name) return true;
  const named = schema.getType(condition);
  return isAbstractType(named) && schema.isSubType(named, type);
}

/**
 * What writes values of a type as these nodes select them; null where that takes more than looking at them: an interface, arguments, a condition, a
 * resolver that looks at more than its object. Whoever writes may stop at any time and leave the same objects to GraphQL: nothing was done to them.
 */
export function writerOf(
  selected: Selected,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
): Writer | null {
  if (isNonNullType(type)) return notNull(writerOf(selected, type.ofType, nodes));
  if (isListType(type)) return orNull(listWriter(writerOf(selected, type.ofType, nodes)));
  if (isLeafType(type)) return orNull(leafWriter(type));
  return isObjectType(type) ? orNull(objectWriter(selected, type, nodes)) : null;
}

function notNull(write: Writer | null): Writer | null {
  if (write === null) return null;
  return (value) => {
    if (value === null || value === undefined) throw irregular;
    return write(value);
  };
}

function orNull(write: Writer | null): Writer | null {
  if (write === null) return null;
  return (value) => (value === null || value === undefined ? 'null' : write(value));
}

function listWriter(write: Writer | null): Writer | null {
  if (write === null) return null;
  return (value) => {
    if (!Array.isArray(value)) throw irregular;
    let text = '[';
    for (let at = 0; at < value.length; at += 1) text += (at === 0 ? '' : ',') + write(value[at]);
    return `${text}]`;
  };
}

function leafWriter(type: GraphQLLeafType): Writer {
  const isText = type === GraphQLString || type === GraphQLID;
  return (value) => {
    if (isText && typeof value === 'string') return jsonText(value);
    if (isSpecial(value)) throw irregular;
    if (type === jsonScalar && value instanceof PropertiesAnswer) {
      const text = value.text();
      if (text !== null) return text;
    }
    const given = type.serialize(value);
    return typeof given === 'string' ? jsonText(given) : jsonOf(given);
  };
}

function jsonOf(value: unknown): string {
  const text = value === null ? undefined : JSON.stringify(value);
  if (text === undefined) throw irregular;
  return text;
}

interface FieldWriter {
  /** What stands in front of its value. */
  readonly head: string;
  readonly name: string;
  readonly resolve: ((source: unknown) => unknown) | null;
  readonly write: Writer;
}

function objectWriter(
  selected: Selected,
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
): Writer | null {
  const fields = fieldsOf(selected, type, nodes);
  if (fields === null || type.isTypeOf != null) return null;
  const writers: FieldWriter[] = [];
  for (const [key, [node, ...others]] of fields) {
    if (node === undefined) return null;
    const head = `${writers.length === 0 ? '{' : ','}${JSON.stringify(key)}:`;
    const writer = fieldWriter(selected, type, head, [node, ...others]);
    if (writer === null) return null;
    writers.push(writer);
  }
  return (value) => writeObject(writers, value);
}

function writeObject(writers: readonly FieldWriter[], value: unknown): string {
  if (!isRecord(value) || isSpecial(value)) throw irregular;
  let text = '';
  for (const writer of writers) text += writer.head + textFrom(writer, value);
  return `${text}}`;
}

function textFrom({ name, resolve, write }: FieldWriter, source: unknown): string {
  if (resolve !== null) return write(resolve(source));
  if (!isRecord(source)) throw irregular;
  return write(propertyOf(source, name));
}

/** One that is a function is called, as GraphQL does; here only such as take nothing. */
function propertyOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  const property = value[name];
  if (typeof property !== 'function') return property;
  if (property.length > 0) throw irregular;
  return Reflect.apply(property, value, []);
}

function fieldWriter(
  selected: Selected,
  type: GraphQLObjectType,
  head: string,
  nodes: readonly [FieldNode, ...FieldNode[]],
): FieldWriter | null {
  const [node] = nodes;
  const name = node.name.value;
  if (name === '__typename') {
    const text = jsonText(type.name);
    return { head, name, resolve: () => null, write: () => text };
  }
  const field = type.getFields()[name];
  if (field === undefined || !isPlain(field)) return null;
  const write = writerOf(selected, field.type, nodes);
  if (write === null) return null;
  const { ownWriter } = field.extensions;
  const own = isOwnWriterOf(ownWriter) ? ownWriter(selected, field.type, nodes) : null;
  const general = { head, name, resolve: sourceResolver(field), write };
  return own === null ? general : withOwn(general, own);
}

function withOwn(general: FieldWriter, own: (source: unknown) => string | null): FieldWriter {
  return {
    ...general,
    resolve: (source) => source,
    write: (source) => own(source) ?? textFrom(general, source),
  };
}

function isOwnWriterOf(value: unknown): value is OwnWriterOf {
  return typeof value === 'function';
}

/** Reads nothing, takes nothing, and looks at its object alone. */
export function isPlain({ resolve, args, extensions }: GraphQLField<unknown, unknown>): boolean {
  return args.length === 0 && extensions.cost === undefined && (resolve?.length ?? 0) <= 1;
}

function sourceResolver({ resolve }: GraphQLField<unknown, unknown>): FieldWriter['resolve'] {
  if (resolve === undefined) return null;
  return (source) => Reflect.apply(resolve, undefined, [source]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Something that stands for a value still to come, or for an error. */
function isSpecial(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Error || ('then' in value && typeof value.then === 'function');
}
