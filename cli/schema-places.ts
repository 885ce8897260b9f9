import { type BadDataError, didYouMean } from '../foundation/index.ts';
import type { SchemaProblem } from './schema-check.ts';
import { deepPosition, indexPositions, syntaxPosition, type TextPosition } from './schema-positions.ts';

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const start: TextPosition = { line: 1, column: 1 };
/** Of values looked at; beyond it a place is not worth the time. */
const valuesMax = 200_000;

/** What is wrong with a schema as a whole, at the best place that can be told: avsc and the limits give none. */
export function schemaProblem(file: string, text: string, error: BadDataError): SchemaProblem {
  const json = parsed(text);
  if (json === undefined && error.code === 'SCHEMA_INVALID') {
    const { line, column, reason } = syntaxPosition(text);
    return { file, line, column, path: '', sentence: `the schema is not JSON: ${reason}` };
  }
  const sentence = error.message.replace(/\.$/, '');
  if (error.code === 'SCHEMA_TOO_LARGE') {
    const levels = /limit is (\d+) levels/.exec(sentence)?.[1];
    if (levels !== undefined) return { file, ...deepPosition(text, Number(levels)), path: '', sentence };
    const branches = Number(/a union of (\d+) branches/.exec(sentence)?.[1] ?? Number.NaN);
    const path = pathWhere(json, (value) => Array.isArray(value) && value.length === branches);
    return {
      file,
      ...(path === null ? start : indexPositions(text).ofPath(path)),
      path: path ?? '',
      sentence,
    };
  }
  if (sentence.includes('duplicate field name')) {
    const path = pathWhere(json, (value) => Array.isArray(value) && repeatedAt(value) !== null);
    const fields = path === null ? [] : valueAt(json, path);
    const index = Array.isArray(fields) ? (repeatedAt(fields) ?? 0) : 0;
    const name: unknown = Array.isArray(fields) ? attribute(fields[index], 'name') : '';
    const at = `${path ?? ''}[${index}]`;
    const said = `the schema is not valid Avro: two fields are called \`${String(name)}\``;
    return { file, ...indexPositions(text).ofPath(at), path: at, sentence: said };
  }
  const name = /: "?([A-Za-z_][\w.]*)"?$/.exec(sentence)?.[1];
  const found = name === undefined ? null : indexPositions(text).ofText(name);
  const hint = sentence.includes('undefined type name')
    ? didYouMean((name ?? '').slice(0, 64), primitives)
    : '';
  return { file, ...(found ?? start), path: '', sentence: `${sentence}${hint}` };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first value that is so, as a path such as `fields[2].type`; null when none is. */
function pathWhere(json: unknown, isIt: (value: unknown) => boolean): string | null {
  const pending: { readonly value: unknown; readonly path: string }[] = [{ value: json, path: '' }];
  let seen = 0;
  for (let next = pending.pop(); next !== undefined && seen < valuesMax; next = pending.pop()) {
    const { value, path } = next;
    seen += 1;
    if (isIt(value)) return path;
    if (typeof value !== 'object' || value === null) continue;
    const inner: readonly (readonly [string, unknown])[] = Array.isArray(value)
      ? value.map((item: unknown, index) => [`[${index}]`, item])
      : Object.entries(value).map(([key, item]: [string, unknown]) => [path === '' ? key : `.${key}`, item]);
    for (const [step, item] of inner.toReversed()) pending.push({ value: item, path: `${path}${step}` });
  }
  return null;
}

function valueAt(json: unknown, path: string): unknown {
  let node = json;
  for (const [, index, key] of path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)) {
    if (index !== undefined) node = Array.isArray(node) ? node[Number(index)] : undefined;
    else node = attribute(node, key ?? '');
  }
  return node;
}

/** Where in a list of fields a name comes for the second time. */
function repeatedAt(fields: readonly unknown[]): number | null {
  const names = new Set<unknown>();
  for (const [index, field] of fields.entries()) {
    const name = attribute(field, 'name');
    if (typeof name !== 'string' || attribute(field, 'type') === undefined) return null;
    if (names.has(name)) return index;
    names.add(name);
  }
  return null;
}

/** Where a mapping declares what a conflict is about: `Account`, `WATCHED` or `Account.country`. */
export function declarationPath(json: unknown, declared: string): string | null {
  const graph = attribute(json, 'graph');
  const [type = '', property] = declared.split('.');
  const path = pathWhere(graph, (value) => attribute(value, 'type') === type);
  if (path === null) return null;
  const at = `graph${path === '' || path.startsWith('[') ? '' : '.'}${path}`;
  const isThere =
    property !== undefined &&
    attribute(attribute(valueAt(graph, path), 'properties'), property) !== undefined;
  return isThere ? `${at}.properties.${property}` : `${at}.type`;
}

/** From `device.model`, `items[].sku` or `payment[Card].last4` to `fields[3].type.fields[1]`, as far as it is written out there. */
export function schemaPathOf(json: unknown, fieldPath: string): string {
  let node: unknown = json;
  let path = '';
  for (const segment of fieldPath === '' ? [] : fieldPath.split('.')) {
    const name = segment.replace(/[[{].*$/, '');
    for (let inner = innerRecord(node, null); inner !== null; inner = innerRecord(node, null)) {
      path += path === '' ? inner.step.replace(/^\./, '') : inner.step;
      node = inner.node;
    }
    const fields = attribute(node, 'fields');
    const index = Array.isArray(fields) ? fields.findIndex((field) => attribute(field, 'name') === name) : -1;
    if (!Array.isArray(fields) || index === -1) return path;
    path += `${path === '' ? '' : '.'}fields[${index}]`;
    node = fields[index];
    const branch = /\[(\w+)\]/.exec(segment)?.[1] ?? null;
    const chosen = branch === null ? null : innerRecord(attribute(node, 'type'), branch);
    if (chosen !== null) {
      path += `.type${chosen.step}`;
      node = chosen.node;
    }
  }
  return path;
}

/** One step from a field, union, array or map towards the record in it; null at a record or where there is none. */
function innerRecord(
  node: unknown,
  branchName: string | null,
): { readonly node: unknown; readonly step: string } | null {
  if (Array.isArray(node)) {
    const index = node.findIndex((branch) =>
      branchName === null ? typeof branch === 'object' : attribute(branch, 'name') === branchName,
    );
    return index === -1 ? null : { node: node[index], step: `[${index}]` };
  }
  if (attribute(node, 'fields') !== undefined) return null;
  for (const name of ['items', 'values', 'type']) {
    const below = attribute(node, name);
    if (typeof below === 'object' && below !== null) return { node: below, step: `.${name}` };
  }
  return null;
}

function attribute(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null && !Array.isArray(node)
    ? Object.entries(node).find(([key]) => key === name)?.[1]
    : undefined;
}
