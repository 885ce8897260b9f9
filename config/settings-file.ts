import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Scalar } from 'yaml';

/** One value as somebody wrote it, with where. */
export interface Entry {
  readonly name: string;
  readonly text: string;
  /** `file:line:column`, `flag --x` or `environment X`. */
  readonly at: string;
}

export interface FileReading {
  readonly entries: readonly Entry[];
  /** Each `file:line:column: sentence`. */
  readonly problems: readonly string[];
}

/** Settings in YAML: dotted names, nested maps, or both. */
export function readYaml(file: string, text: string): FileReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const problems = document.errors.map((error) => `${at(error.pos[0])}: ${error.message.split('\n')[0]}`);
  const entries: Entry[] = [];
  const visit = (node: unknown, path: readonly string[]): void => {
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const name = [...path, String(key.value)].join('.');
      if (isMap(value)) visit(value, [...path, String(key.value)]);
      else if (isScalar(value)) entries.push({ name, text: scalarText(value), at: at(key.range?.[0]) });
      else if (isSeq(value)) {
        const items = value.items.filter((item) => isScalar(item)).map((item) => scalarText(item));
        entries.push({ name, text: items.join(','), at: at(key.range?.[0]) });
      }
    }
  };
  if (document.contents !== null && !isMap(document.contents)) {
    problems.push(`${at(0)}: settings are written as \`name: value\` lines`);
  }
  if (problems.length === 0) visit(document.contents, []);
  return { entries, problems };
}

/** A number keeps the form it was written in: `1e3` or a large integer must not go through a double. */
function scalarText(scalar: Scalar): string {
  return scalar.value === null ? '' : (scalar.source ?? String(scalar.value));
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
  return { entries, problems };
}
