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
   * What is read whatever the other values are, so that the whole is null where one of them is. Not what stands behind `?`, beside
   * `&&` and `||` or in `has(…)`.
   */
  readonly required: Chain[] = [];
  hasLoop = false;
  problem: string | null = null;

  constructor(ast: unknown) {
    this.#visit(ast, 0);
    this.#require(ast);
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

  #require(node: unknown): void {
    if (Array.isArray(node)) {
      for (const item of node) this.#require(item);
      return;
    }
    if (!isNode(node)) return;
    const chain = chainOf(node);
    if (chain !== null) {
      this.required.push(chain);
      return;
    }
    const { op, args } = node;
    const called = calledIn(node);
    if (op === '&&' || op === '||' || called === 'has' || !Array.isArray(args)) {
      if (isNode(args)) this.#require(args);
      return;
    }
    // Of a loop only what it goes through, and of `a ? b : c` only the question.
    if (called !== null && loops.has(called)) this.#require(args[1]);
    else this.#require(op === '?:' ? args[0] : args);
  }
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
