import { didYouMean } from '../foundation/index.ts';
import type { ConditionDeclaration, MappingProblem, ValueDeclaration } from './mapping-declaration.ts';
import { isObject } from './schema-text.ts';

const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const reservedNames = new Set(['constructor', 'prototype']);
const problemsMax = 50;
const problemCharactersMax = 1_000;
/** In one list or object of a mapping. */
export const declarationsMax = 1_000;
const appliedMax = 8;
const valueAttributes = ['path', 'cel', 'value', 'apply'];
const durationPattern = /^([1-9]\d{0,8})([smhd])$/;
const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ttlMsMax = 36_500 * 86_400_000;

export type Attributes = Readonly<Record<string, unknown>>;

/** Reads single attributes of a mapping, each at its place, and collects what is wrong with them. */
export class AttributeReader {
  readonly problems: MappingProblem[] = [];

  report(path: string, sentence: string): void {
    if (this.problems.length >= problemsMax) return;
    this.problems.push({ path: clipped(path), sentence: clipped(sentence) });
  }

  word<T extends string>(
    given: unknown,
    at: string,
    words: readonly T[],
    belongs: boolean,
    otherwise: string,
  ): T | null {
    if (given === undefined) return null;
    const word = words.find((known) => known === given);
    const list = words.map((known) => `\`${known}\``).join(', ');
    if (!belongs) this.report(at, `does not belong here: ${otherwise}`);
    else if (word === undefined) this.report(at, `must be one of ${list}`);
    return word ?? null;
  }

  ttl(given: unknown, owner: string): number | null {
    if (given === undefined) return null;
    const [, count, unit] = (typeof given === 'string' ? durationPattern.exec(given) : null) ?? [];
    const ttlMs = Number(count) * (unitMs[unit ?? ''] ?? Number.NaN);
    if (ttlMs <= ttlMsMax) return ttlMs;
    this.report(
      `${owner}.ttl`,
      'must be how long to keep it, such as `90d`, `12h`, `30m` or `45s`; at most `36500d`',
    );
    return null;
  }

  /** A path as text, or an object with `path`, `cel` or `value`. */
  value(given: unknown, at: string): ValueDeclaration {
    if (!isObject(given)) return { from: 'path', path: this.path(given, at), apply: [], at };
    this.known(given, at, valueAttributes);
    const sources = ['path', 'cel', 'value'].filter((name) => given[name] !== undefined);
    if (sources.length !== 1) {
      this.report(at, 'must have exactly one of `path`, `cel` and `value`');
      return { from: 'path', path: '', apply: [], at };
    }
    const apply = this.#apply(given.apply, at);
    if (given.path !== undefined)
      return { from: 'path', path: this.path(given.path, `${at}.path`), apply, at };
    if (given.cel !== undefined) {
      return { from: 'expression', cel: this.#expression(given.cel, `${at}.cel`), apply, at };
    }
    if (apply.length > 0) this.report(`${at}.apply`, 'has nothing to do on a constant');
    return { from: 'constant', value: this.#constant(given.value, at), at };
  }

  #constant(given: unknown, at: string): string | number | boolean {
    if (typeof given === 'string' && given.isWellFormed()) return given;
    if (typeof given === 'boolean' || (typeof given === 'number' && Number.isFinite(given))) return given;
    this.report(`${at}.value`, 'must be a text, a number, true or false');
    return '';
  }

  /** One name or several. */
  #apply(given: unknown, at: string): readonly string[] {
    if (given === undefined) return [];
    const names: unknown = typeof given === 'string' ? [given] : given;
    if (
      Array.isArray(names) &&
      names.length <= appliedMax &&
      names.every((name) => typeof name === 'string')
    ) {
      return names;
    }
    this.report(`${at}.apply`, `must be a function's name or a list of at most ${appliedMax}`);
    return [];
  }

  condition(given: unknown, owner: string): ConditionDeclaration | null {
    const at = `${owner}.where`;
    return given === undefined ? null : { cel: this.#expression(given, at), at };
  }

  #expression(given: unknown, at: string): string {
    if (typeof given === 'string' && given.trim() !== '') return given;
    this.report(at, 'must be an expression, such as `seconds > 60`');
    return '';
  }

  object(given: unknown, at: string, known: readonly string[]): Attributes | null {
    if (!isObject(given)) {
      this.report(at, 'must be an object');
      return null;
    }
    this.known(given, at, known);
    return given;
  }

  list(given: unknown, at: string): readonly unknown[] {
    if (given === undefined) return [];
    if (!Array.isArray(given)) {
      this.report(at, 'must be a list');
      return [];
    }
    if (given.length > declarationsMax) this.report(at, `must declare no more than ${declarationsMax}`);
    return given.slice(0, declarationsMax);
  }

  known(given: Attributes, at: string, known: readonly string[]): void {
    for (const name of Object.keys(given)) {
      if (!known.includes(name)) {
        this.report(
          `${at}.${name}`,
          `is not an attribute of a mapping${didYouMean(name.slice(0, 64), known)}`,
        );
      }
    }
  }

  name(given: unknown, at: string): string {
    if (typeof given === 'string') {
      if (given.startsWith('__') || reservedNames.has(given)) this.report(at, 'is a reserved name');
      else if (!namePattern.test(given))
        this.report(at, 'must be a name: letters, digits and _, at most 128, no digit first');
      return given;
    }
    this.report(at, given === undefined ? 'is missing' : 'must be a name');
    return '';
  }

  path(given: unknown, at: string): string {
    if (typeof given === 'string' && given !== '') return given;
    this.report(at, given === undefined ? 'is missing' : 'must be a path, such as `device.id`');
    return '';
  }
}

/** What is reported names what was given, which may be a megabyte. */
function clipped(text: string): string {
  return text.length > problemCharactersMax ? `${text.slice(0, problemCharactersMax)}…` : text;
}
