import { didYouMean } from '../foundation/index.ts';
import { edgeKeyBytesMax, nodeIdBytesMax } from '../graph-store/index.ts';
import { type Expression, ExpressionCompiler } from './expression.ts';
import type { LogicalTypes } from './logical-type.ts';
import type { MappingReader } from './mapping.ts';
import type { ConditionDeclaration, PropertyDeclaration, ValueDeclaration } from './mapping-declaration.ts';
import type { ConditionPlan, PropertyPlan, SetPlan } from './mapping-plan.ts';
import type { NormalizerSignatures } from './normalizer-signature.ts';
import { PathResolver } from './path-resolver.ts';
import type { FieldRead, Scope, ValueKind, ValuePlan, ValueSource } from './value-plan.ts';

const notIds = new Set<ValueKind>([
  'boolean',
  'double',
  'bytes',
  'decimal',
  'time-millis',
  'time-micros',
  'timestamp-millis',
  'timestamp-micros',
]);
const keys = new Set<ValueKind>(['string', 'uuid', 'enum', 'int', 'long']);
const summed = new Set<ValueKind>(['int', 'long', 'double', 'decimal']);
const times = new Set<ValueKind>(['long', 'timestamp-millis', 'timestamp-micros']);

/** Resolves what a mapping says about single values; whatever is wrong goes to the reader's problems. */
export class ValuePlanner {
  readonly #reader: MappingReader;
  readonly #normalizers: NormalizerSignatures;
  readonly #expressions: ExpressionCompiler;
  readonly paths: PathResolver;

  constructor(reader: MappingReader, schema: LogicalTypes, normalizers: NormalizerSignatures) {
    this.#reader = reader;
    this.#normalizers = normalizers;
    this.#expressions = new ExpressionCompiler(schema);
    this.paths = new PathResolver(schema);
  }

  value(declared: ValueDeclaration, scope: Scope): ValuePlan | null {
    switch (declared.from) {
      case 'path': {
        const field = this.#field(declared.path, declared.at, scope);
        if (field === null) return null;
        return this.#applied(
          declared.path,
          { from: 'field', field },
          field.kind,
          declared.apply,
          declared.at,
          scope[field.root]?.isRow === true ? [field.root] : [],
        );
      }
      case 'expression': {
        const compiled = this.#compile(declared.cel, declared.at, scope);
        if (compiled === null) return null;
        const source: ValueSource = { from: 'expression', expression: compiled };
        return this.#applied(declared.cel, source, compiled.kind, declared.apply, declared.at, compiled.rows);
      }
      case 'constant': {
        const { value } = declared;
        return {
          source: { from: 'constant', value },
          apply: [],
          kind: constantKind(value),
          text: String(value),
        };
      }
    }
  }

  /** Ids become text, so only what has one text can be an id. */
  id(declared: ValueDeclaration, scope: Scope): ValuePlan | null {
    const plan = this.value(declared, scope);
    if (plan === null) return null;
    if (declared.from === 'constant' && typeof declared.value === 'string' && !isId(declared.value)) {
      this.#reader.report(`${declared.at}.value`, `must have 1 to ${nodeIdBytesMax} bytes, none of them NUL`);
    }
    if (!notIds.has(plan.kind)) return plan;
    this.#reader.report(
      declared.at,
      `leads to a ${plan.kind}: an id must be a string, uuid, enum, int, long or date`,
    );
    return null;
  }

  /** What tells edges apart becomes text as ids do, shorter and with NUL if need be. */
  edgeKey(declared: ValueDeclaration, scope: Scope): ValuePlan | null {
    const plan = this.value(declared, scope);
    if (plan === null) return null;
    if (notIds.has(plan.kind)) {
      this.#reader.report(
        declared.at,
        `leads to a ${plan.kind}: an edge's key must be a string, uuid, enum, int, long or date`,
      );
      return null;
    }
    if (declared.from === 'constant' && !isEdgeKey(String(declared.value)))
      this.#reader.report(`${declared.at}.value`, `must have 1 to ${edgeKeyBytesMax} bytes`);
    return plan;
  }

  /** The key of a lookup's row, which has one text. */
  key(declared: ValueDeclaration, scope: Scope): ValuePlan | null {
    const plan = this.value(declared, scope);
    if (plan === null || keys.has(plan.kind)) return plan;
    this.#reader.report(
      declared.at,
      `leads to a ${plan.kind}: a key must be a string, uuid, enum, int or long`,
    );
    return null;
  }

  /** A path that gives an event's own id. */
  eventId(path: string, scope: Scope): FieldRead | null {
    const at = 'graph.eventId';
    const field = this.#field(path, at, scope);
    if (field === null || !notIds.has(field.kind)) return field;
    this.#reader.report(
      at,
      `leads to a ${field.kind}: an id must be a string, uuid, enum, int, long or date`,
    );
    return null;
  }

  time(path: string, scope: Scope): FieldRead | null {
    const field = this.#field(path, 'graph.time', scope);
    if (field === null || times.has(field.kind)) return field;
    this.#reader.report('graph.time', `leads to a ${field.kind}: it must be a long, best a timestamp-millis`);
    return null;
  }

  /** Of two changes at one time, which is the later one. A constant, whose kind is double, is a rank where it is whole. */
  rank(declared: ValueDeclaration, scope: Scope): number | ValuePlan | null {
    if (declared.from === 'constant') {
      const { value } = declared;
      if (isRank(value)) return value;
      this.#reader.report(`${declared.at}.value`, 'must be a whole number from 0 to 2^53 - 1');
      return null;
    }
    const plan = this.value(declared, scope);
    if (plan === null || plan.kind === 'int' || plan.kind === 'long') return plan;
    this.#reader.report(declared.at, `leads to a ${plan.kind}: a rank is an int or a long`);
    return null;
  }

  properties(declared: readonly PropertyDeclaration[], scope: Scope): readonly PropertyPlan[] {
    return declared.flatMap((one) => {
      const plan = one.set === null ? this.#single(one, scope) : this.#set(one, one.set, scope);
      return plan === null ? [] : [plan];
    });
  }

  #single({ name, value, fold, where }: PropertyDeclaration, scope: Scope): PropertyPlan | null {
    const plan = this.value(value, scope);
    const condition = this.condition(where, scope);
    if (plan === null) return null;
    if (fold === 'sum' && !summed.has(plan.kind)) {
      this.#reader.report(
        `${value.at}.fold`,
        `sums a ${plan.kind}: a sum needs an int, long, double or decimal`,
      );
    }
    return { name, value: plan, fold, set: null, where: condition };
  }

  /** Of an array's items, or of the one element that a single value is. */
  #set(declared: PropertyDeclaration, op: SetPlan['op'], scope: Scope): PropertyPlan | null {
    const { name, value, fold } = declared;
    const where = this.condition(declared.where, scope);
    if (value.from !== 'path' || value.path === '') {
      const plan = this.value(value, scope);
      return plan === null ? null : { name, value: plan, fold, set: { op, in: null }, where };
    }
    const found = this.paths.elements(value.path, scope);
    if (!found.ok) {
      this.#reader.report(value.at, found.sentence);
      return null;
    }
    const { field, array } = found.value;
    const { root } = array ?? field;
    const rows = scope[root]?.isRow === true ? [root] : [];
    const plan = this.#applied(value.path, { from: 'field', field }, field.kind, value.apply, value.at, rows);
    return plan === null ? null : { name, value: plan, fold, set: { op, in: array }, where };
  }

  condition(declared: ConditionDeclaration | null, scope: Scope): ConditionPlan | null {
    if (declared === null) return null;
    const compiled = this.#compile(declared.cel, declared.at, scope);
    if (compiled === null) return null;
    if (compiled.kind === 'boolean') return compiled;
    this.#reader.report(declared.at, `gives a ${compiled.kind}: a condition is true or false`);
    return null;
  }

  /** The same condition where it needs no more than this scope; null where it does. Reports nothing. */
  conditionWithin(declared: ConditionDeclaration | null, scope: Scope): ConditionPlan | null {
    if (declared === null || declared.cel === '') return null;
    const compiled = this.#expressions.compile(declared.cel, scope);
    return compiled.ok ? compiled.expression : null;
  }

  /** An empty path has been reported as missing. */
  #field(path: string, at: string, scope: Scope): FieldRead | null {
    if (path === '') return null;
    const found = this.paths.field(path, scope);
    if (found.ok) return found.value;
    this.#reader.report(at, found.sentence);
    return null;
  }

  #compile(cel: string, at: string, scope: Scope): Expression | null {
    if (cel === '') return null;
    const compiled = this.#expressions.compile(cel, scope);
    if (compiled.ok) return compiled.expression;
    this.#reader.report(at, compiled.sentence);
    return null;
  }

  #applied(
    text: string,
    source: ValueSource,
    begin: ValueKind,
    apply: readonly string[],
    at: string,
    rows: readonly number[],
  ): ValuePlan | null {
    let kind = begin;
    for (const name of apply) {
      const signature = this.#normalizers.get(name);
      if (signature === undefined) {
        const names = [...this.#normalizers.keys()];
        const near = didYouMean(name.slice(0, 64), names) || beginningWith(name, names);
        this.#reader.report(
          `${at}.apply`,
          `names no function \`${name.slice(0, 64)}\`${near}: \`jg mapping functions\` lists them`,
        );
        return null;
      }
      if (!signature.takes.includes(kind)) {
        const takes = signature.takes.join(' or ');
        this.#reader.report(`${at}.apply`, `\`${name}\` takes ${takes}, and is given ${kind}`);
        return null;
      }
      kind = signature.gives;
    }
    return { source, apply, kind, text, ...(rows.length === 0 ? {} : { rows }) };
  }
}

/** Such as `lowerCase` for `lower`, which is too short to be near it. */
function beginningWith(given: string, names: readonly string[]): string {
  const [first, other] = names.filter(
    (name) => given.length > 2 && name.toLowerCase().startsWith(given.toLowerCase()),
  );
  return first === undefined || other !== undefined ? '' : ` (did you mean \`${first}\`?)`;
}

function isId(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= nodeIdBytesMax && !text.includes('\0');
}

function isEdgeKey(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= edgeKeyBytesMax;
}

function isRank(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function constantKind(value: string | number | boolean): ValueKind {
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'boolean' : 'double';
}
