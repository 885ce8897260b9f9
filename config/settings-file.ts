import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml';

/** One value as somebody wrote it, with where. */
export interface Entry {
  readonly name: string;
  readonly text: string;
  /** `file:line:column`, `flag --x` or `environment X`. */
  readonly at: string;
}

export interface FileReading {
  readonly entries: readonly Entry[];
  /** Each `file:line:column: sentence`; none quotes a value, which may be a secret. */
  readonly problems: readonly string[];
}

/** Settings in YAML: dotted names, nested maps, or both. */
export function readYaml(file: string, text: string): FileReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings];
  const problems = faults.map((fault) => `${at(fault.pos[0])}: ${faultText(fault)}`);
  if (document.contents !== null && !isMap(document.contents)) {
    problems.push(`${at(0)}: settings are written as \`name: value\` lines`);
  }
  if (problems.length > 0) return { entries: [], problems };
  const entries: Entry[] = [];
  visit(document.contents, '', (name, key, value) => {
    const place = at(rangeStart(key));
    if (typeof value === 'string') entries.push({ name, text: value, at: place });
    else problems.push(`${place}: ${value.problem}`);
  });
  return { entries, problems: [...problems, ...repeats(entries)] };
}

type Found = (name: string, key: unknown, value: string | { readonly problem: string }) => void;

function visit(node: unknown, prefix: string, found: Found): void {
  if (!isMap(node)) return;
  for (const pair of node.items) visitPair(pair, prefix, found);
}

function visitPair({ key, value }: Pair, prefix: string, found: Found): void {
  if (!isScalar(key)) {
    found(prefix, key, { problem: 'a name must be plain text' });
    return;
  }
  const name = `${prefix}${String(key.value)}`;
  if (isMap(value)) visit(value, `${name}.`, found);
  else found(name, key, plainText(value));
}

/** What a scalar or a list of scalars says; whatever else YAML can do is refused rather than guessed at. */
function plainText(value: unknown): string | { readonly problem: string } {
  if (value === null) return '';
  if (isAlias(value)) return { problem: 'a value that begins with * needs quotes' };
  if (isScalar(value)) {
    return value.anchor === undefined
      ? scalarText(value)
      : { problem: 'a value that begins with & needs quotes' };
  }
  if (!isSeq(value)) return { problem: 'a value must be text, a number or a list' };
  const items = value.items.map((item) => (isScalar(item) ? scalarText(item) : null));
  const fine = items.every((item) => item !== null && !item.includes(','));
  return fine ? items.join(',') : { problem: 'a list takes plain items without commas' };
}

/** A number keeps the form it was written in: `1e3` or a large integer must not go through a double. */
function scalarText(scalar: Scalar): string {
  return scalar.value === null ? '' : (scalar.source ?? String(scalar.value));
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The parser's other sentences quote what they stumbled over, and that may be a secret. */
const quotingNothing: ReadonlySet<string> = new Set([
  'BAD_INDENT',
  'BAD_SCALAR_START',
  'BLOCK_AS_IMPLICIT_KEY',
  'BLOCK_IN_FLOW',
  'DUPLICATE_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_DOCS',
  'TAB_AS_INDENT',
]);

function faultText(fault: YAMLError): string {
  if (quotingNothing.has(fault.code)) return fault.message;
  return `not valid YAML (${fault.code}); a value with special characters needs quotes`;
}

/** The same name in dotted and in nested form is no duplicate key to YAML, but it is one to people. */
function repeats(entries: readonly Entry[]): string[] {
  const first = new Map<string, string>();
  const problems: string[] = [];
  for (const { name, at } of entries) {
    const before = first.get(name);
    if (before === undefined) first.set(name, at);
    else problems.push(`${at}: ${name} is set already at ${before}`);
  }
  return problems;
}

/** Java and librdkafka properties: `name=value` lines, `#` comments. */
export function readProperties(file: string, text: string): FileReading {
  const entries: Entry[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    const equals = line.indexOf('=');
    const at = `${file}:${index + 1}:${raw.length - raw.trimStart().length + 1}`;
    if (equals <= 0) problems.push(`${at}: takes \`name=value\` lines`);
    else entries.push({ name: line.slice(0, equals).trim(), text: line.slice(equals + 1).trim(), at });
  }
  return { entries, problems: [...problems, ...repeats(entries)] };
}
