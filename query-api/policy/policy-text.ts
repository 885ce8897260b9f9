import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';

/** A value of a policy's text, with where it stands. */
export interface TextNode {
  readonly at: string;
  readonly value:
    | {
        readonly kind: 'map';
        readonly entries: readonly (readonly [name: string, node: TextNode, at: string])[];
      }
    | { readonly kind: 'list'; readonly items: readonly TextNode[] }
    | { readonly kind: 'plain'; readonly plain: unknown };
}

export interface TextReading {
  readonly root: TextNode | null;
  /** Each `file:line:column: sentence`. */
  readonly problems: readonly string[];
}

const lengthMax = 2 ** 20;

/** YAML of plain maps, lists and values, or JSON, which is the same. Never throws. */
export function readPolicyText(file: string, text: string): TextReading {
  if (text.length > lengthMax) {
    return { root: null, problems: [`${file}:1:1: is longer than ${lengthMax} characters`] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return line === 0 ? `${file}:1:1` : `${file}:${line}:${col}`;
  };
  const problems = [...document.errors, ...document.warnings].map(
    (fault) => `${at(fault.pos[0])}: ${firstLine(fault.message)}`,
  );
  // An alias could unfold to any size, and a tag would make a value of another kind.
  visit(document, {
    Alias: (_key, node) => {
      problems.push(
        `${at(node.range?.[0] ?? 0)}: an alias (\`*name\`) is not taken; quote a name that begins with *`,
      );
    },
    Node: (_key, node) => {
      if (node.tag?.startsWith('!') === true)
        problems.push(`${at(node.range?.[0] ?? 0)}: a tag is not taken`);
    },
  });
  if (problems.length > 0) return { root: null, problems };
  return { root: textNode(document.contents, at, at(0)), problems };
}

function textNode(node: unknown, at: (offset: number) => string, place: string): TextNode {
  const own = rangeStart(node);
  const here = own === null ? place : at(own);
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }) => {
      const start = rangeStart(key);
      const keyAt = start === null ? here : at(start);
      return [isScalar(key) ? String(key.value) : '', textNode(value, at, keyAt), keyAt] as const;
    });
    return { at: here, value: { kind: 'map', entries } };
  }
  if (isSeq(node)) {
    return { at: here, value: { kind: 'list', items: node.items.map((item) => textNode(item, at, here)) } };
  }
  return { at: here, value: { kind: 'plain', plain: isScalar(node) ? node.value : null } };
}

function rangeStart(node: unknown): number | null {
  return isScalar(node) || isMap(node) || isSeq(node) ? (node.range?.[0] ?? null) : null;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
