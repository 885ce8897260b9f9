import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { didYouMean } from '../../foundation/index.ts';

/** A value of a scenario's text, with where it stands: `file:line:column`. */
export interface TextNode {
  readonly at: string;
  readonly value:
    | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, TextNode> }
    | { readonly kind: 'list'; readonly items: readonly TextNode[] }
    | { readonly kind: 'plain'; readonly plain: unknown };
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** YAML of plain maps, lists and values, or JSON, which is the same. Null with problems. */
export function parseText(
  file: string,
  text: string,
  charactersMax: number,
): { readonly root: TextNode | null; readonly problems: readonly string[] } {
  if (text.length > charactersMax) {
    return { root: null, problems: [`${file}:1:1: has more than ${charactersMax} characters`] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${file}:${line}:${col}`;
  };
  const problems = [...document.errors, ...document.warnings].map(
    (fault) => `${at(fault.pos[0])}: ${fault.message.split('\n')[0] ?? ''}`,
  );
  visit(document, {
    Alias: (_, { range }) => {
      problems.push(`${at(range?.[0])}: a value that begins with * needs quotes`);
    },
  });
  if (problems.length > 0) return { root: null, problems };
  return { root: nodeOf(document.contents, at), problems: [] };
}

function nodeOf(node: unknown, at: (offset: number | undefined) => string, place = at(0)): TextNode {
  if (isMap(node)) {
    const entries = new Map<string, TextNode>();
    for (const { key, value } of node.items) {
      const start = isScalar(key) ? key.range?.[0] : undefined;
      entries.set(isScalar(key) ? String(key.value) : '?', nodeOf(value, at, at(start)));
    }
    return { at: place, value: { kind: 'map', entries } };
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => nodeOf(item, at, at(startOf(item) ?? node.range?.[0])));
    return { at: place, value: { kind: 'list', items } };
  }
  return { at: place, value: { kind: 'plain', plain: isScalar(node) ? node.value : undefined } };
}

function startOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
}

/** Takes values out of nodes; goes on after a problem, so that all of them are told at once. What is wrong reads as its fallback. */
export class TextReader {
  readonly problems: string[] = [];

  problem(node: TextNode, sentence: string): void {
    this.problems.push(`${node.at}: ${sentence}`);
  }

  /** The named entries. Names that mean nothing are problems: they were meant to say something. */
  fields(
    node: TextNode,
    needed: readonly string[],
    optional: readonly string[],
  ): ReadonlyMap<string, TextNode> {
    const names = [...needed, ...optional];
    if (node.value.kind !== 'map') {
      this.problem(node, `must be a map with ${names.join(', ')}`);
      return new Map();
    }
    for (const [name, value] of node.value.entries) {
      if (!names.includes(name))
        this.problem(
          value,
          `\`${name.slice(0, 100)}\` means nothing here${didYouMean(name.slice(0, 100), names)}`,
        );
    }
    for (const name of needed)
      if (!node.value.entries.has(name)) this.problem(node, `\`${name}\` is missing`);
    return node.value.entries;
  }

  list(node: TextNode | undefined, itemsMax: number): readonly TextNode[] {
    if (node === undefined) return [];
    if (node.value.kind === 'list' && node.value.items.length <= itemsMax) return node.value.items;
    this.problem(node, `must be a list of at most ${itemsMax} items`);
    return [];
  }

  number<T extends number | null>(
    node: TextNode | undefined,
    bounds: { readonly min: number; readonly max: number; readonly whole?: boolean },
    fallback: T,
  ): number | T {
    if (node === undefined) return fallback;
    const value = plainOf(node);
    const fits = typeof value === 'number' && value >= bounds.min && value <= bounds.max;
    if (fits && (bounds.whole !== true || Number.isSafeInteger(value))) return value;
    const what = bounds.whole === true ? 'a whole number' : 'a number';
    this.problem(node, `must be ${what} from ${bounds.min} to ${bounds.max}`);
    return fallback;
  }

  /** A number with its unit, such as `1.5h`, `30m`, `90s` or `250ms`; or milliseconds. */
  durationMs<T extends number | null>(
    node: TextNode | undefined,
    bounds: { readonly min: number; readonly max: number },
    fallback: T,
  ): number | T {
    if (node === undefined) return fallback;
    const value = plainOf(node);
    const found = typeof value === 'string' ? /^(-?\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(value) : null;
    const ms = found === null ? value : Number(found[1]) * (durationUnits[found[2] ?? ''] ?? Number.NaN);
    if (typeof ms === 'number' && ms >= bounds.min && ms <= bounds.max) return Math.round(ms);
    const least = bounds.min < 0 ? '' : ', not below 0';
    this.problem(node, `must be a time such as 90s, 30m or 1h, at most ${bounds.max / 3_600_000}h${least}`);
    return fallback;
  }

  oneOf<T extends string>(node: TextNode | undefined, values: readonly T[], fallback: T): T {
    if (node === undefined) return fallback;
    const value = plainOf(node);
    const found = values.find((known) => known === value);
    if (found === undefined) this.problem(node, `must be one of ${values.join(', ')}`);
    return found ?? fallback;
  }

  text(node: TextNode | undefined, form: RegExp, what: string): string {
    const value = node === undefined ? '' : plainOf(node);
    if (typeof value === 'string' && form.test(value)) return value;
    if (node !== undefined) this.problem(node, `must be ${what}`);
    return '';
  }
}

function plainOf({ value }: TextNode): unknown {
  return value.kind === 'plain' ? value.plain : undefined;
}
