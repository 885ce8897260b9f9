import { didYouMean } from '../foundation/index.ts';
import type { Fold, SetChange } from '../graph-store/index.ts';
import type {
  BlockDeclaration,
  ConditionDeclaration,
  EdgeDeclaration,
  JourneyDeclaration,
  LookupDeclaration,
  LoopDeclaration,
  Mapping,
  MappingProblem,
  MissingRow,
  NodeDeclaration,
  Operation,
  PropertyDeclaration,
  ValueDeclaration,
} from './mapping-declaration.ts';
import { isObject } from './schema-text.ts';

/** Whose properties they are: each kind of owner has words of its own. */
type Owner = 'node' | 'edge' | 'journey';

const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const domainPattern = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;
const reservedNames = new Set(['constructor', 'prototype']);
const problemsMax = 50;
const declarationsMax = 1_000;
const problemCharactersMax = 1_000;
const actionBytesMax = 128;
const loopDepthMax = 3;
const appliedMax = 8;
const lookupsMax = 8;
/** Events behind the one that waits, wait with it. */
const waitMsMax = 60_000;
const topicPattern = /^[A-Za-z0-9._-]{1,249}$/;
const applied: MissingRow = { waitMs: 0, afterwards: 'apply' };

const attributes = {
  graph: ['domain', 'time', 'eventId', 'rank', 'lookups', 'where', 'nodes', 'edges', 'forEach', 'journey'],
  lookup: ['as', 'topic', 'key', 'missing', 'late'],
  missing: ['waitMs', 'then'],
  loop: ['in', 'as', 'where', 'nodes', 'edges', 'forEach'],
  node: ['as', 'type', 'id', 'optional', 'op', 'ttl', 'where', 'properties'],
  edge: ['type', 'from', 'to', 'key', 'op', 'ttl', 'where', 'properties'],
  journey: ['owner', 'action', 'where', 'properties'],
  value: ['path', 'cel', 'value', 'apply'],
} as const;

const setChanges: readonly SetChange['set'][] = ['add', 'remove', 'replace'];
const folds: readonly Fold[] = ['last', 'first', 'min', 'max', 'sum', 'set'];
const durationPattern = /^([1-9]\d{0,8})([smhd])$/;
const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const ttlMsMax = 36_500 * 86_400_000;

type Attributes = Readonly<Record<string, unknown>>;

/** Collects problems while it reads; what it returns is only worth compiling when there are none. */
export class MappingReader {
  readonly problems: MappingProblem[] = [];
  #isNodeUnread = false;

  /** True where what the mapping calls its nodes is not all known, so that a name may be right which seems to be wrong. */
  get isNodeUnread(): boolean {
    return this.#isNodeUnread;
  }

  report(path: string, sentence: string): void {
    if (this.problems.length >= problemsMax) return;
    this.problems.push({ path: clipped(path), sentence: clipped(sentence) });
  }

  /** Reads what it can, so that paths are checked even when something else is wrong. Null when nothing can be read. */
  read(graph: unknown): Mapping | null {
    if (!isObject(graph)) {
      this.report('graph', 'must be an object');
      return null;
    }
    this.#known(graph, 'graph', attributes.graph);
    return {
      domain: this.#domain(graph.domain),
      time: this.#path(graph.time, 'graph.time'),
      eventId: graph.eventId === undefined ? null : this.#path(graph.eventId, 'graph.eventId'),
      rank: this.#rank(graph.rank),
      lookups: this.#lookups(graph.lookups),
      body: this.#block(graph, 'graph', 0),
      journey: graph.journey === undefined ? null : this.#journey(graph.journey),
    };
  }

  #lookups(given: unknown): readonly LookupDeclaration[] {
    const lookups = this.#list(given, 'graph.lookups');
    if (lookups.length > lookupsMax) this.report('graph.lookups', `must declare no more than ${lookupsMax}`);
    return lookups
      .slice(0, lookupsMax)
      .map((lookup, index) => this.#lookup(lookup, `graph.lookups[${index}]`))
      .filter((lookup) => lookup !== null);
  }

  #lookup(lookup: unknown, at: string): LookupDeclaration | null {
    const given = this.#object(lookup, at, attributes.lookup);
    if (given === null) return null;
    const { topic, late } = given;
    const isTopic = typeof topic === 'string' && topicPattern.test(topic);
    if (!isTopic) {
      const expected = 'must be the name of a topic: letters, digits, `.`, `_` and `-`, at most 249';
      this.report(`${at}.topic`, topic === undefined ? 'is missing' : expected);
    }
    if (late !== undefined && late !== 'ignore') this.report(`${at}.late`, 'must be `ignore`');
    return {
      as: this.#name(given.as, `${at}.as`),
      topic: isTopic ? topic : '',
      key: this.#value(given.key, `${at}.key`),
      missing: this.#missing(given.missing, `${at}.missing`),
      at,
    };
  }

  #missing(given: unknown, at: string): MissingRow {
    if (given === undefined || given === 'apply') return applied;
    if (!isObject(given)) {
      this.report(at, 'must be `apply`, or an object such as `{"waitMs": 5000, "then": "apply"}`');
      return applied;
    }
    this.#known(given, at, attributes.missing);
    const { waitMs, then } = given;
    const isWait =
      typeof waitMs === 'number' && Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= waitMsMax;
    if (!isWait) this.report(`${at}.waitMs`, `must be a whole number from 0 to ${waitMsMax}`);
    if (then !== 'apply' && then !== 'deadLetter')
      this.report(`${at}.then`, 'must be `apply` or `deadLetter`');
    return { waitMs: isWait ? waitMs : 0, afterwards: then === 'deadLetter' ? then : 'apply' };
  }

  #block(given: Attributes, at: string, depth: number): BlockDeclaration {
    const nodes = this.#list(given.nodes, `${at}.nodes`);
    const edges = this.#list(given.edges, `${at}.edges`);
    const loops = this.#list(given.forEach, `${at}.forEach`);
    const read = nodes.map((node, index) => this.#node(node, `${at}.nodes[${index}]`));
    const isList = given.nodes === undefined || Array.isArray(given.nodes);
    if (!isList || read.some((node) => node === null || node.as === '')) this.#isNodeUnread = true;
    return {
      where: this.#condition(given.where, at),
      nodes: read.filter((node) => node !== null),
      edges: edges
        .map((edge, index) => this.#edge(edge, `${at}.edges[${index}]`))
        .filter((edge) => edge !== null),
      loops: loops
        .map((loop, index) => this.#loop(loop, `${at}.forEach[${index}]`, depth + 1))
        .filter((loop) => loop !== null),
    };
  }

  #loop(loop: unknown, at: string, depth: number): LoopDeclaration | null {
    const given = this.#object(loop, at, attributes.loop);
    if (given === null) return null;
    if (depth > loopDepthMax) {
      this.report(at, `is a loop in more than ${loopDepthMax - 1} other loops`);
      return null;
    }
    return {
      in: this.#path(given.in, `${at}.in`),
      as: this.#name(given.as, `${at}.as`),
      body: this.#block(given, at, depth),
      at,
    };
  }

  #node(node: unknown, at: string): NodeDeclaration | null {
    const given = this.#object(node, at, attributes.node);
    if (given === null) return null;
    const type = this.#name(given.type, `${at}.type`);
    const op = this.#operation(given.op, at);
    const properties = this.#properties(given.properties, at, 'node');
    if (op === 'delete' && properties.length > 0)
      this.report(`${at}.properties`, 'cannot be set by a delete');
    if (given.optional !== undefined && typeof given.optional !== 'boolean') {
      this.report(`${at}.optional`, 'must be true or false');
    }
    return {
      as: given.as === undefined ? type : this.#name(given.as, `${at}.as`),
      type,
      id: this.#value(given.id, `${at}.id`),
      optional: given.optional === true,
      op,
      ttlMs: this.#ttl(given.ttl, at),
      where: this.#condition(given.where, at),
      properties,
      at,
    };
  }

  #edge(edge: unknown, at: string): EdgeDeclaration | null {
    const given = this.#object(edge, at, attributes.edge);
    if (given === null) return null;
    const op = this.#operation(given.op, at);
    const properties = this.#properties(given.properties, at, 'edge');
    if (op === 'delete' && properties.length > 0)
      this.report(`${at}.properties`, 'cannot be set by a delete');
    return {
      type: this.#name(given.type, `${at}.type`),
      from: this.#name(given.from, `${at}.from`),
      to: this.#name(given.to, `${at}.to`),
      key: given.key === undefined ? null : this.#value(given.key, `${at}.key`),
      op,
      ttlMs: this.#ttl(given.ttl, at),
      where: this.#condition(given.where, at),
      properties,
      at,
    };
  }

  #journey(journey: unknown): JourneyDeclaration | null {
    const given = this.#object(journey, 'graph.journey', attributes.journey);
    if (given === null) return null;
    const action = typeof given.action === 'string' ? given.action : '';
    if (action.trim() === '' || Buffer.byteLength(action) > actionBytesMax || /\p{Cc}/u.test(action)) {
      this.report(
        'graph.journey.action',
        `must be a wording of 1 to ${actionBytesMax} bytes, such as \`watched\``,
      );
    }
    return {
      owner: this.#name(given.owner, 'graph.journey.owner'),
      action,
      where: this.#condition(given.where, 'graph.journey'),
      properties: this.#properties(given.properties, 'graph.journey', 'journey'),
    };
  }

  #properties(given: unknown, ownerAt: string, owner: Owner): readonly PropertyDeclaration[] {
    if (given === undefined) return [];
    const at = `${ownerAt}.properties`;
    if (!isObject(given)) {
      this.report(at, 'must be an object of property names and values');
      return [];
    }
    const entries = Object.entries(given);
    if (entries.length > declarationsMax) this.report(at, `must declare no more than ${declarationsMax}`);
    return entries.slice(0, declarationsMax).map(([name, value]) => {
      this.#name(name, `${at}.${name}`);
      return this.#property(name, value, `${at}.${name}`, owner);
    });
  }

  #property(name: string, given: unknown, at: string, owner: Owner): PropertyDeclaration {
    if (!isObject(given)) return { name, value: this.#value(given, at), set: null, fold: null, where: null };
    const { set, fold, where, ...value } = given;
    return {
      name,
      value: this.#value(value, at),
      where: this.#condition(where, at),
      set: this.#word(
        set,
        `${at}.set`,
        setChanges,
        owner === 'node',
        'only nodes have sets: `fold` an edge by `set`',
      ),
      fold: this.#word(
        fold,
        `${at}.fold`,
        folds,
        owner === 'edge',
        'only edges are folded from many occurrences',
      ),
    };
  }

  #word<T extends string>(
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

  #ttl(given: unknown, owner: string): number | null {
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
  #value(given: unknown, at: string): ValueDeclaration {
    if (!isObject(given)) return { from: 'path', path: this.#path(given, at), apply: [], at };
    this.#known(given, at, attributes.value);
    const sources = ['path', 'cel', 'value'].filter((name) => given[name] !== undefined);
    if (sources.length !== 1) {
      this.report(at, 'must have exactly one of `path`, `cel` and `value`');
      return { from: 'path', path: '', apply: [], at };
    }
    const apply = this.#apply(given.apply, at);
    if (given.path !== undefined)
      return { from: 'path', path: this.#path(given.path, `${at}.path`), apply, at };
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

  #condition(given: unknown, owner: string): ConditionDeclaration | null {
    const at = `${owner}.where`;
    return given === undefined ? null : { cel: this.#expression(given, at), at };
  }

  #expression(given: unknown, at: string): string {
    if (typeof given === 'string' && given.trim() !== '') return given;
    this.report(at, 'must be an expression, such as `seconds > 60`');
    return '';
  }

  #object(given: unknown, at: string, known: readonly string[]): Attributes | null {
    if (!isObject(given)) {
      this.report(at, 'must be an object');
      return null;
    }
    this.#known(given, at, known);
    return given;
  }

  #list(given: unknown, at: string): readonly unknown[] {
    if (given === undefined) return [];
    if (!Array.isArray(given)) {
      this.report(at, 'must be a list');
      return [];
    }
    if (given.length > declarationsMax) this.report(at, `must declare no more than ${declarationsMax}`);
    return given.slice(0, declarationsMax);
  }

  #known(given: Attributes, at: string, known: readonly string[]): void {
    for (const name of Object.keys(given)) {
      if (!known.includes(name)) {
        this.report(
          `${at}.${name}`,
          `is not an attribute of a mapping${didYouMean(name.slice(0, 64), known)}`,
        );
      }
    }
  }

  #name(given: unknown, at: string): string {
    if (typeof given === 'string') {
      if (given.startsWith('__') || reservedNames.has(given)) this.report(at, 'is a reserved name');
      else if (!namePattern.test(given))
        this.report(at, 'must be a name: letters, digits and _, at most 128, no digit first');
      return given;
    }
    this.report(at, given === undefined ? 'is missing' : 'must be a name');
    return '';
  }

  #path(given: unknown, at: string): string {
    if (typeof given === 'string' && given !== '') return given;
    this.report(at, given === undefined ? 'is missing' : 'must be a path, such as `device.id`');
    return '';
  }

  #domain(given: unknown): string {
    if (typeof given === 'string' && domainPattern.test(given)) return given;
    const expected = 'must be a name such as `streaming`: letters, digits, _ and -, a letter first';
    this.report('graph.domain', given === undefined ? 'is missing' : expected);
    return '';
  }

  #rank(given: unknown): number | ValueDeclaration {
    if (given === undefined) return 0;
    if (typeof given === 'string' || isObject(given)) return this.#value(given, 'graph.rank');
    if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given;
    this.report('graph.rank', 'must be a whole number from 0 to 2^53 - 1, a path or an expression');
    return 0;
  }

  #operation(given: unknown, at: string): Operation {
    if (given === undefined || given === 'upsert') return 'upsert';
    if (given === 'delete') return 'delete';
    this.report(`${at}.op`, 'must be `upsert` or `delete`');
    return 'upsert';
  }
}

/** What is reported names what was given, which may be a megabyte. */
function clipped(text: string): string {
  return text.length > problemCharactersMax ? `${text.slice(0, problemCharactersMax)}…` : text;
}
