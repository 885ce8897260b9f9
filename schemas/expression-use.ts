/** A variable and the fields that are taken of it, such as `device`, `model`. */
export type Chain = readonly [name: string, ...fields: string[]];

interface AstNode {
  readonly op: unknown;
  readonly args: unknown;
}

const refusedFunctions: ReadonlyMap<string, string> = new Map([
  // Runs an unbounded backtracking regular expression: 28 characters can take ten seconds.
  ['matches', 'calls `matches`, which hostile text can make hang: use startsWith, endsWith, contains or =='],
  // Thirty bindings, each twice the one before, would be a list of a billion.
  ['bind', 'calls `bind`, which can double a value again and again: write it out'],
]);
const loops = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
/** Their cost is that of a whole text or list, for each item. */
const refusedInLoops = new Set(['split', 'join']);

/** What an expression uses: variables, loops, and what it must not. */
export class ExpressionUse {
  /** Each variable with the fields that are taken of it; null where it is used as a whole. */
  readonly variables = new Map<string, Set<string> | null>();
  /**
   * What is read whatever the other values are, so that the whole is null where one of them is. Of `&&`, `||` and the sides of
   * `:` what both need, since one may do without the other.
   */
  readonly required: readonly Chain[];
  hasLoop = false;
  problem: string | null = null;

  constructor(ast: unknown) {
    this.#visit(ast, 0);
    this.required = requiredBy(ast);
  }

  /** `depth` counts the loops around the node. The parser has bounded how deep this goes. */
  #visit(node: unknown, depth: number): void {
    if (Array.isArray(node)) {
      for (const item of node) this.#visit(item, depth);
      return;
    }
    if (!isNode(node)) return;
    const { op, args } = node;
    if (op === 'id' && typeof args === 'string') this.variables.set(args, null);
    if (this.#visitField(node)) return;
    const called = calledIn(node);
    const isLoop = called !== null && loops.has(called);
    if (isLoop) this.hasLoop = true;
    const inner = isLoop ? depth + 1 : depth;
    if (called !== null) this.problem ??= refusedFunctions.get(called) ?? null;
    if (depth > 0 && called !== null && refusedInLoops.has(called))
      this.problem ??= `calls \`${called}\` inside a loop, once for each item: call it outside`;
    if (inner > 1) this.problem ??= 'has a loop inside a loop, whose cost no event bounds: use `forEach`';
    this.#visit(args, inner);
  }

  /** True for a field of a variable, of which nothing more is to be seen. */
  #visitField({ op, args }: AstNode): boolean {
    if ((op !== '.' && op !== '[]') || !Array.isArray(args)) return false;
    const [left, right]: readonly unknown[] = args;
    const field = op === '.' ? right : literalIn(right);
    if (!isNode(left) || left.op !== 'id' || typeof left.args !== 'string' || typeof field !== 'string')
      return false;
    const known = this.variables.get(left.args);
    if (known === undefined) this.variables.set(left.args, new Set([field]));
    else known?.add(field);
    return true;
  }
}

/** `has(…)` asks about a null, so it needs nothing. */
function requiredBy(node: unknown): readonly Chain[] {
  if (Array.isArray(node)) return node.flatMap(requiredBy);
  if (!isNode(node)) return [];
  const chain = chainOf(node);
  if (chain !== null) return [chain];
  const { op, args } = node;
  if (!Array.isArray(args)) return requiredBy(args);
  const called = calledIn(node);
  if (called === 'has') return [];
  // A loop may have no items.
  if (called !== null && loops.has(called)) return requiredBy(args[1]);
  if (op === '&&' || op === '||') return inBoth(args[0], args[1]);
  if (op === '?:') return [...requiredBy(args[0]), ...inBoth(args[1], args[2])];
  return requiredBy(args);
}

function inBoth(left: unknown, right: unknown): readonly Chain[] {
  const others = new Set(requiredBy(right).map((chain) => chain.join('.')));
  return requiredBy(left).filter((chain) => others.has(chain.join('.')));
}

/**
 * The text with `has(a.b.c)` as `(has(event.a) && has(a.b) && has(a.b.c))`: CEL itself asks only about the last field, and would
 * fail where one before it is null. `isField` tells the event's own fields.
 */
export function askingOnTheWay(text: string, ast: unknown, isField: (name: string) => boolean): string {
  const calls: { readonly start: number; readonly end: number; readonly chain: Chain }[] = [];
  const items = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const item of node) visit(item);
    if (!isNode(node)) return;
    const { args } = node;
    const [given]: readonly unknown[] = Array.isArray(args) && Array.isArray(args[1]) ? args[1] : [];
    const chain = calledIn(node) === 'has' && isNode(given) ? chainOf(given) : null;
    if (chain !== null && isPlaced(node)) calls.push({ ...placeOf(node), chain });
    if (Array.isArray(args) && loops.has(String(args[0]))) addItem(args[2], items);
    visit(args);
  };
  visit(ast);
  let asked = text;
  for (const { start, end, chain } of calls.sort((a, b) => b.start - a.start)) {
    const [name, ...fields] = chain;
    const parts = fields.map((_, index) => `has(${[name, ...fields.slice(0, index + 1)].join('.')})`);
    if (isField(name) && !items.has(name)) parts.unshift(`has(event.${name})`);
    asked = `${asked.slice(0, start)}(${parts.join(' && ')})${asked.slice(end)}`;
  }
  return asked;
}

/** What a loop of an expression calls its item. */
function addItem(given: unknown, items: Set<string>): void {
  const [item]: readonly unknown[] = Array.isArray(given) ? given : [];
  if (isNode(item) && typeof item.args === 'string') items.add(item.args);
}

interface Place {
  readonly start: number;
  readonly end: number;
}

function isPlaced(node: object): node is Place {
  return 'start' in node && 'end' in node && typeof node.start === 'number' && typeof node.end === 'number';
}

function placeOf({ start, end }: Place): Place {
  return { start, end };
}

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function literalIn(node: unknown): unknown {
  return isNode(node) && node.op === 'value' ? node.args : null;
}

function calledIn({ op, args }: AstNode): string | null {
  return (op === 'call' || op === 'rcall') && Array.isArray(args) ? String(args[0]) : null;
}

function chainOf({ op, args }: AstNode): Chain | null {
  if (op === 'id') return typeof args === 'string' ? [args] : null;
  if (op !== '.' || !Array.isArray(args)) return null;
  const [left, field]: readonly unknown[] = args;
  const outer = isNode(left) ? chainOf(left) : null;
  return outer === null || typeof field !== 'string' ? null : [...outer, field];
}
