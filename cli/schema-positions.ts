import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';

/** Both count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Where things stand in the text of a schema. */
export interface SchemaPositions {
  /** Of the value at a path such as `graph.edges[0].to`, or of the deepest part of the path that there is. */
  ofPath(path: string): TextPosition;
  /** Of the first text that is exactly this, such as a type's name; null when there is none. */
  ofText(text: string): TextPosition | null;
}

const start: TextPosition = { line: 1, column: 1 };

/** JSON is YAML, and the YAML reader, unlike `JSON.parse`, keeps positions. `text` must be valid JSON within the schema limits. */
export function indexPositions(text: string): SchemaPositions {
  const lines = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' });
  const at = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? start : { line, column: col };
  };
  return {
    ofPath: (path) => at(deepest(contents, path)),
    ofText: (sought) => {
      const offset = text.indexOf(JSON.stringify(sought));
      return offset === -1 ? null : at(offset);
    },
  };
}

/** Where JSON stops being JSON, which V8 tells in its message only. */
export function syntaxPosition(text: string): TextPosition & { readonly reason: string } {
  try {
    JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const before = text.slice(0, offset).split('\n');
    const reason = message.replace(/ (?:in JSON )?at position .*$|, ?"(?:.|\n)*$/, '');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, reason };
  }
  return { ...start, reason: '' };
}

function deepest(contents: ParsedNode | null, path: string): number {
  let offset = contents?.range[0] ?? 0;
  let node: unknown = contents;
  let rest = path;
  while (rest !== '') {
    const next = isSeq(node) ? item(node.items, rest) : isMap(node) ? entry(node.items, rest) : null;
    if (next === null) return offset;
    offset = next.offset;
    node = next.node;
    rest = next.rest;
  }
  return offset;
}

interface Found {
  readonly node: unknown;
  readonly offset: number;
  readonly rest: string;
}

function item(items: readonly unknown[], path: string): Found | null {
  const match = /^\[(\d+)\]\.?/.exec(path);
  const node = items[Number(match?.[1] ?? -1)];
  return match === null ? null : found(node, path.slice(match[0].length));
}

/** The longest key that the path begins with: a wrong name may itself hold dots. */
function entry(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  path: string,
): Found | null {
  const fitting = items
    .flatMap(({ key, value }) => (isScalar(key) ? [{ key, name: String(key.value), value }] : []))
    .filter(({ name }) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`))
    .sort((a, b) => b.name.length - a.name.length)[0];
  if (fitting === undefined) return null;
  const rest = path.slice(fitting.name.length).replace(/^\./, '');
  const whole = rest === '' ? found(fitting.key, rest) : null;
  const below = found(fitting.value, rest);
  // A person looks for the key.
  return below === null || whole === null ? below : { ...below, offset: whole.offset };
}

function found(node: unknown, rest: string): Found | null {
  if (!(isMap(node) || isSeq(node) || isScalar(node))) return null;
  return { node, offset: node.range?.[0] ?? 0, rest };
}
