import {
  child,
  type Finding,
  lineAt,
  type ParsedModule,
  type SyntaxNode,
  text,
  walk,
} from './parsed-module.ts';

export interface SizeLimits {
  readonly functionLinesMax: number;
  readonly fileLinesMax: number;
}

/** Known exceptions: `path` or `path#function` to the lines it is allowed. An entry may only shrink, then go. */
export type Ratchet = Readonly<Record<string, number>>;

export interface SizeReport {
  readonly findings: readonly Finding[];
  /** The ratchet as it could be now: what shrank is lower, what is no exception any more is gone. */
  readonly tightened: Ratchet;
}

/** Blocks that group tests are as long as the behaviour they list: length says nothing about them. */
const testBlocks = new Set(['describe', 'it', 'test', 'suite']);

/**
 * Lines of a function are those from its first to its last. In a test, the blocks of `describe` and `it` are exempt
 * and do not count for the function around them either (a conformance suite is one function full of `it`).
 */
export function checkSizes(
  modules: readonly ParsedModule[],
  limits: SizeLimits,
  ratchet: Ratchet,
): SizeReport {
  const findings: Finding[] = [];
  const tightened: Record<string, number> = {};
  const judge = (key: string, path: string, line: number, lines: number, limit: number): void => {
    if (lines <= limit) return;
    const allowed = ratchet[key];
    tightened[key] = allowed === undefined ? lines : Math.min(lines, allowed);
    if (allowed !== undefined && lines <= allowed) return;
    const bound =
      allowed === undefined ? `at most ${limit}` : `${allowed} by the ratchet, which only shrinks`;
    findings.push({ path, line, message: `${key} has ${lines} lines (${bound})` });
  };
  for (const module of modules) {
    judge(module.path, module.path, 1, lineCount(module.source), limits.fileLinesMax);
    for (const measured of functionSizes(module)) {
      const key = `${module.path}#${measured.name}`;
      judge(key, module.path, measured.line, measured.lines, limits.functionLinesMax);
    }
  }
  for (const [key, allowed] of Object.entries(ratchet)) {
    const now = tightened[key];
    if (now === allowed) continue;
    const message = now === undefined ? 'is no exception any more' : `shrank from ${allowed} to ${now} lines`;
    const path = key.split('#')[0] ?? key;
    findings.push({ path, line: 1, message: `${key} ${message}: run "npm run check -- --tighten"` });
  }
  const kept = Object.entries(tightened).filter(([key]) => ratchet[key] !== undefined);
  return { findings, tightened: Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

export interface FunctionSize {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

export function functionSizes(module: ParsedModule): FunctionSize[] {
  const sizes: FunctionSize[] = [];
  const exempt: SyntaxNode[] = [];
  const functions: { node: SyntaxNode; name: string }[] = [];
  walk(module.program, (node, parents) => {
    if (!isFunctionWithBody(node)) return;
    const parent = parents[parents.length - 1] ?? null;
    if (parent !== null && isTestBlock(parent)) exempt.push(node);
    else functions.push({ node, name: functionName(node, parents) });
  });
  const linesOf = (node: SyntaxNode): number =>
    lineAt(module.source, node.end) - lineAt(module.source, node.start) + 1;
  for (const { node, name } of functions) {
    const inside = exempt.filter((block) => node.start < block.start && block.end <= node.end);
    const outermost = inside.filter(
      (block) => !inside.some((o) => o !== block && o.start <= block.start && block.end <= o.end),
    );
    const lines = linesOf(node) - outermost.reduce((sum, block) => sum + linesOf(block) - 1, 0);
    sizes.push({ name, line: lineAt(module.source, node.start), lines });
  }
  return sizes;
}

function isFunctionWithBody(node: SyntaxNode): boolean {
  return (
    /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type) &&
    child(node, 'body') !== null
  );
}

/** `describe(…)`, `it.each(…)(…)`, `describe.skipIf(…)(…)`. */
function isTestBlock(node: SyntaxNode): boolean {
  let callee: SyntaxNode | null = node.type === 'CallExpression' ? child(node, 'callee') : null;
  while (callee !== null && callee.type !== 'Identifier') {
    callee = child(callee, 'callee') ?? child(callee, 'object') ?? child(callee, 'tag');
  }
  return callee !== null && testBlocks.has(text(callee, 'name') ?? '');
}

/** `Class.method`, `name`, or `outer>(callback)`: stable when lines move. */
function functionName(node: SyntaxNode, parents: readonly SyntaxNode[]): string {
  const names: string[] = [];
  for (const scope of [...parents, node]) {
    const name = scopeName(scope);
    if (name !== null) names.push(name);
  }
  const own = text(child(node, 'id'), 'name');
  const parent = parents[parents.length - 1];
  const isNamed = own !== null || (parent !== undefined && scopeName(parent) !== null);
  return isNamed ? names.join('.') : [...names, '(callback)'].join('.');
}

function scopeName(node: SyntaxNode): string | null {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ClassDeclaration':
    case 'VariableDeclarator':
      return text(child(node, 'id'), 'name');
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'Property':
      return text(child(node, 'key'), 'name') ?? text(child(node, 'key'), 'value');
    default:
      return null;
  }
}

function lineCount(source: string): number {
  return source === '' ? 0 : source.split('\n').length - (source.endsWith('\n') ? 1 : 0);
}
