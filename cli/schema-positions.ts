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

/** Where JSON stops being JSON. */
export function syntaxPosition(text: string): TextPosition & { readonly reason: string } {
  // V8 tells the place in some of its messages only. The shortest beginning that no end could mend leads up to it.
  let fine = 0;
  let broken = text.length + 1;
  while (broken - fine > 1) {
    const middle = Math.floor((fine + broken) / 2);
    if (couldGoOn(text.slice(0, middle))) fine = middle;
    else broken = middle;
  }
  const isCut = broken > text.length;
  const slip = isCut ? null : slipBefore(text, broken - 1);
  if (slip !== null) return slip;
  const at = placeAt(text, isCut ? text.length : broken - 1);
  const character = [...text.slice(broken - 1, broken + 1)][0] ?? '';
  const reason = isCut ? 'it ends too early' : `\`${character}\` is not expected here`;
  return { ...at, reason };
}

/** A comma or colon that is missing, or one comma too many: the parser notices at what comes next, often a line below. */
function slipBefore(text: string, at: number): (TextPosition & { readonly reason: string }) | null {
  const end = text.slice(0, at).trimEnd().length;
  const before = text.slice(0, end);
  const next = text.charAt(at);
  for (const [sign, name] of [
    [',', 'a comma'],
    [':', 'a colon'],
  ] as const) {
    if (couldGoOn(`${before}${sign}${next}`))
      return { ...placeAt(text, end), reason: `${name} is missing here` };
  }
  return before.endsWith(',') && couldGoOn(`${before.slice(0, -1)}${next}`)
    ? { ...placeAt(text, end - 1), reason: `nothing comes after this comma but \`${next}\`` }
    : null;
}

/** True for valid JSON and for what is wrong only because it ends. */
function couldGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = /at position (\d+)/.exec(message)?.[1];
    return /^(Unexpected end|Unterminated)/.test(message) || Number(position ?? -1) >= text.length;
  }
}

/** Where the brackets around are more than `levels`. */
export function deepPosition(text: string, levels: number): TextPosition {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > levels) return placeAt(text, index);
  }
  return start;
}

function placeAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  const line = before.lastIndexOf('\n');
  return { line: before.split('\n').length, column: offset - line };
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
