import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import { BadDataError } from '../foundation/index.ts';
import { type Bounds, CelRecord, CelTypes } from './cel-types.ts';
import { describeFault } from './expression-fault.ts';
import { askingOnTheWay, type Chain, ExpressionUse } from './expression-use.ts';
import type { LogicalTypes } from './logical-type.ts';
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
  /** Which roots are rows that it names. */
  readonly rows: readonly number[];
  /**
   * `roots` as the scope says: the decoded event, the rows of the lookups, then the items of the loops around it. Whatever an event makes the evaluation
   * throw is about that event.
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
const resultLengthMax = 1_048_576;
/** What a loop sees, so that a body that looks at all of a list or a text for each item has a bound. */
const loopItemsMax = 1_000;
const loopLengthMax = 10_000;

const kinds: ReadonlyMap<string, ValueKind> = new Map([
  ['bool', 'boolean'],
  ['int', 'long'],
  ['double', 'double'],
  ['string', 'string'],
  ['bytes', 'bytes'],
  ['google.protobuf.Timestamp', 'timestamp-millis'],
]);

/** The expressions of one mapping. */
export class ExpressionCompiler {
  readonly #types: CelTypes;
  /** One environment a scope: making one is what costs. */
  readonly #environments = new Map<Scope, Environment>();

  constructor(schema: LogicalTypes) {
    this.#types = new CelTypes(schema);
  }

  compile(text: string, scope: Scope): CompiledExpression {
    if (text.length > textCharactersMax) return refused(`is longer than ${textCharactersMax} characters`);
    const environment = this.#environment(scope);
    const given = environment.check(text);
    const doesNotCompile = (checked: string, { error }: typeof given): CompiledExpression => {
      const names = this.#types.names(scope);
      const plainly = (message: string): string => this.#types.plainly(message);
      return refused(`does not compile: ${describeFault(error, { text: checked, names, plainly })}`);
    };
    if (!given.valid) return doesNotCompile(text, given);
    const isField = (name: string): boolean => this.#types.isField(scope, name);
    const asking = askingOnTheWay(text, environment.parse(text).ast, isField);
    const check = environment.check(asking);
    if (!check.valid) return doesNotCompile(asking, check);
    const parsed = environment.parse(asking);
    const use = new ExpressionUse(parsed.ast);
    if (use.problem !== null) return refused(use.problem);
    const type = String(check.type);
    const kind = kinds.get(type);
    if (kind === undefined) {
      const gives = this.#types.plainly(type);
      const remedy = gives === type ? remedyFor(type) : ': name one of its fields';
      return refused(`gives a ${gives}, which cannot be a value${remedy}`);
    }
    const { bind, names } = this.#types.binder(scope, use.variables, boundsOf(text, use.hasLoop));
    // Types such as `int` are variables too, and never null.
    const required = use.required.filter(([name]) => names.has(name));
    const rows = scope.flatMap(({ name, isRow }, root) =>
      isRow === true && name !== null && use.variables.has(name) ? [root] : [],
    );
    const evaluate = (roots: readonly unknown[]): unknown => {
      const context = bind(roots);
      // What the evaluation would find out as well, by throwing an error: that takes a hundred times longer.
      if (required.some((chain) => isMissing(context, chain))) return null;
      return evaluated(parsed, context, text);
    };
    return { ok: true, expression: { text, kind, rows, evaluate } };
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

function boundsOf(text: string, hasLoop: boolean): Bounds {
  const refuse = (what: string): never => {
    throw new BadDataError('EXPRESSION_FAILED', `The expression \`${text}\` ${what}.`);
  };
  const [items, length] = hasLoop ? [loopItemsMax, loopLengthMax] : [Infinity, Infinity];
  return { items, length, refuse };
}

/** True where a null stands in for the chain or before its end. What is no record or map is left to the evaluation. */
function isMissing(context: Readonly<Record<string, unknown>>, [name, ...fields]: Chain): boolean {
  let value = context[name];
  for (const field of fields) {
    if (value instanceof Map) value = value.get(field);
    else if (value instanceof CelRecord) value = Object.hasOwn(value, field) ? value[field] : undefined;
    else break;
  }
  return value === undefined;
}

function evaluated(
  parsed: (context: Record<string, unknown>) => unknown,
  context: Record<string, unknown>,
  text: string,
): unknown {
  try {
    const value = parsed(context);
    return value instanceof Date ? BigInt(value.getTime()) : bounded(value, text);
  } catch (error) {
    if (error instanceof BadDataError) throw error;
    // A null is left out of what the expression sees, so meeting one looks like meeting nothing.
    if (error instanceof EvaluationError && isNullMet(error)) return null;
    const why =
      error instanceof EvaluationError ? error.code.replaceAll('_', ' ') : 'a value that it cannot take';
    throw new BadDataError('EXPRESSION_FAILED', `The expression \`${text}\` failed: ${why}.`, {
      cause: error,
    });
  }
}

function isNullMet({ code }: EvaluationError): boolean {
  return code === 'no_such_key' || code === 'unknown_variable';
}

function bounded(value: unknown, text: string): unknown {
  const isTooLong =
    (typeof value === 'string' || value instanceof Uint8Array) && value.length > resultLengthMax;
  // CEL checks sums and products, but not the minus before the least long.
  if (isTooLong || (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value))
    throw new BadDataError('EXPRESSION_FAILED', `The expression \`${text}\` gives too large a value.`);
  return value;
}

function refused(sentence: string): CompiledExpression {
  return { ok: false, sentence };
}

function remedyFor(type: string): string {
  return type === 'dyn' ? ': say what it is with string(…), int(…) or double(…)' : '';
}
