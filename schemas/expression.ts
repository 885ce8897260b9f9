import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import { BadDataError } from '../foundation/index.ts';
import type { AvroSchema } from './avro-type.ts';
import { CelTypes } from './cel-types.ts';
import type { Scope, ValueKind } from './value-plan.ts';

/**
 * A filter or a computed value in the Common Expression Language, checked against the Avro schema.
 *
 * CEL knows no nullable types, so a field that may be null has its type without null, and an expression that meets a null
 * is null itself: `has(device.model)` asks beforehand.
 */
export interface Expression {
  readonly text: string;
  readonly kind: ValueKind;
  /**
   * `roots` as the scope says: the decoded event, then the items of the loops around it.
   *
   * @throws {BadDataError} `EXPRESSION_FAILED`: a division by zero, an overflow, a text that is no number.
   */
  evaluate(roots: readonly unknown[]): unknown;
}

export type CompiledExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly sentence: string };

const limits = {
  maxAstNodes: 500,
  maxDepth: 32,
  maxListElements: 256,
  maxMapEntries: 64,
  maxCallArguments: 8,
};
const textCharactersMax = 4_096;
/** Runs an unbounded backtracking regular expression: 28 characters can take ten seconds. */
const refusedFunctions: Readonly<Record<string, string>> = {
  matches: 'calls `matches`, which hostile text can make hang: use startsWith, endsWith, contains or ==',
};
const loops = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

const kinds: Readonly<Record<string, ValueKind>> = {
  bool: 'boolean',
  int: 'long',
  double: 'double',
  string: 'string',
  bytes: 'bytes',
  'google.protobuf.Timestamp': 'timestamp-millis',
};

/** The expressions of one mapping. */
export class ExpressionCompiler {
  readonly #types: CelTypes;
  /** One environment a scope: making one is what costs. */
  readonly #environments = new Map<Scope, Environment>();

  constructor(schema: AvroSchema) {
    this.#types = new CelTypes(schema);
  }

  compile(text: string, scope: Scope): CompiledExpression {
    if (text.length > textCharactersMax) return refused(`is longer than ${textCharactersMax} characters`);
    const environment = this.#environment(scope);
    const check = environment.check(text);
    if (!check.valid)
      return refused(`does not compile: ${firstLine(check.error?.summary ?? check.error?.message)}`);
    const parsed = environment.parse(text);
    const use = new AstUse();
    use.visit(parsed.ast, 0);
    if (use.problem !== null) return refused(use.problem);
    const type = String(check.type);
    const kind = kinds[type];
    if (kind === undefined) return refused(`gives a ${type}, which cannot be a value${remedyFor(type)}`);
    const bind = this.#types.binder(scope, use.names);
    const evaluate = (roots: readonly unknown[]): unknown => {
      try {
        return plain(parsed(bind(roots)));
      } catch (error) {
        return nullOrBad(error, text);
      }
    };
    return { ok: true, expression: { text, kind, evaluate } };
  }

  #environment(scope: Scope): Environment {
    const known = this.#environments.get(scope);
    if (known !== undefined) return known;
    const environment = new Environment({ limits });
    this.#types.declare(environment, scope);
    this.#environments.set(scope, environment);
    return environment;
  }
}

/** What an expression uses: variables, and what it must not. */
class AstUse {
  readonly names = new Set<string>();
  problem: string | null = null;

  /** `depth` counts the loops around the node. The parser has bounded how deep this goes. */
  visit(node: unknown, depth: number): void {
    if (Array.isArray(node)) {
      for (const item of node) this.visit(item, depth);
      return;
    }
    if (typeof node !== 'object' || node === null || !('op' in node) || !('args' in node)) return;
    const { op, args } = node;
    if (op === 'id' && typeof args === 'string') this.names.add(args);
    const called = (op === 'call' || op === 'rcall') && Array.isArray(args) ? String(args[0]) : null;
    const inner = called !== null && loops.has(called) ? depth + 1 : depth;
    if (called !== null && refusedFunctions[called] !== undefined) this.problem ??= refusedFunctions[called];
    if (inner > 1) this.problem ??= 'has a loop inside a loop, whose cost no event bounds: use `forEach`';
    this.visit(args, inner);
  }
}

function plain(value: unknown): unknown {
  return value instanceof Date ? BigInt(value.getTime()) : value;
}

function nullOrBad(error: unknown, text: string): null {
  if (!(error instanceof EvaluationError)) throw error;
  // A null is left out of what the expression sees, so meeting one looks like meeting nothing.
  if (error.code === 'no_such_key' || error.code === 'unknown_variable') return null;
  throw new BadDataError('EXPRESSION_FAILED', `The expression \`${text}\` failed: ${error.code}.`, {
    cause: error,
  });
}

function refused(sentence: string): CompiledExpression {
  return { ok: false, sentence };
}

function firstLine(message: string | undefined): string {
  return (message ?? 'unknown reason').split('\n', 1)[0] ?? '';
}

function remedyFor(type: string): string {
  return type === 'dyn' ? ': say what it is with string(…), int(…) or double(…)' : '';
}
