import { didYouMean, RefusedError } from '../../foundation/index.ts';

/** A value of a plan's text and where it stands: what every error names. */
export class PlanText {
  readonly #value: unknown;
  readonly place: string;

  private constructor(value: unknown, place: string) {
    this.#value = value;
    this.place = place;
  }

  /** Throws RefusedError LIVE_PLAN_INVALID. How deep it nests is looked at before it is parsed: what reads it goes down with it. */
  static parse(text: string, bytesMax: number, depthMax: number): PlanText {
    if (Buffer.byteLength(text) > bytesMax) throw invalid('the plan', `has more than ${bytesMax} bytes`);
    if (depthOf(text) > depthMax) throw invalid('the plan', `nests more than ${depthMax} deep`);
    try {
      return new PlanText(JSON.parse(text), '');
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw invalid('the plan', `is no JSON (${error.message})`);
    }
  }

  get raw(): unknown {
    return this.#value;
  }

  get isAbsent(): boolean {
    return this.#value === undefined || this.#value === null;
  }

  /** The fields of an object that has no others. */
  fields<const Name extends string>(names: readonly Name[]): Readonly<Record<Name, PlanText>> {
    const entries = this.entries();
    for (const [name] of entries) {
      if (names.some((one) => one === name)) continue;
      throw this.refused(`has no field ${JSON.stringify(name.slice(0, 64))}${didYouMean(name, names)}`);
    }
    const found = new Map(entries);
    const field = (name: Name): PlanText => found.get(name) ?? this.#below(name, undefined);
    return record(names, field);
  }

  entries(): readonly (readonly [string, PlanText])[] {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.refused('must be an object');
    return Object.entries(value).map(([name, one]) => [name, this.#below(name, one)] as const);
  }

  items(countMax: number): readonly PlanText[] {
    if (!Array.isArray(this.#value) || this.#value.length === 0 || this.#value.length > countMax)
      throw this.refused(`must be a list of 1 to ${countMax}`);
    return this.#value.map((one: unknown, i) => new PlanText(one, `${this.place}[${i}]`));
  }

  text(lengthMax: number): string {
    const value = this.#value;
    if (typeof value !== 'string' || value.trim() === '' || value.length > lengthMax)
      throw this.refused(`must be a text of 1 to ${lengthMax} characters`);
    return value;
  }

  optionalText(lengthMax: number): string | undefined {
    return this.isAbsent ? undefined : this.text(lengthMax);
  }

  oneOf<const Value extends string>(values: readonly Value[]): Value {
    const found = values.find((value) => value === this.#value);
    if (found === undefined) throw this.refused(`must be ${values.map((one) => `"${one}"`).join(' or ')}`);
    return found;
  }

  refused(what: string): RefusedError {
    return invalid(this.place === '' ? 'the plan' : this.place, what);
  }

  #below(name: string, value: unknown): PlanText {
    return new PlanText(value, this.place === '' ? name : `${this.place}.${name}`);
  }
}

function record<Name extends string, Value>(
  names: readonly Name[],
  readOf: (name: Name) => Value,
): Readonly<Record<Name, Value>> {
  const made: Partial<Record<Name, Value>> = {};
  for (const name of names) made[name] = readOf(name);
  const isWhole = (some: Partial<Record<Name, Value>>): some is Record<Name, Value> =>
    names.every((name) => name in some);
  if (!isWhole(made)) throw new TypeError('every name has its value');
  return made;
}

function invalid(place: string, what: string): RefusedError {
  return new RefusedError(
    'LIVE_PLAN_INVALID',
    `${place.slice(0, 200)}: ${what}; correct the plan, then send it again.`,
  );
}

/** Brackets outside of texts. Of what is no JSON it says nothing, which parsing will. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInText = false;
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i];
    if (isInText) {
      if (character === '\\') i += 1;
      else if (character === '"') isInText = false;
    } else if (character === '"') isInText = true;
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth -= 1;
  }
  return deepest;
}
