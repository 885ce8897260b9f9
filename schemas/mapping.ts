import type { Fold, SetChange } from '../graph-store/index.ts';
import { AttributeReader, type Attributes, declarationsMax } from './attribute-reader.ts';
import type {
  BlockDeclaration,
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

const domainPattern = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;
const actionBytesMax = 128;
const loopDepthMax = 3;
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
} as const;

const setChanges: readonly SetChange['set'][] = ['add', 'remove', 'replace'];
const folds: readonly Fold[] = ['last', 'first', 'min', 'max', 'sum', 'set'];

/** Collects problems while it reads; what it returns is only worth compiling when there are none. */
export class MappingReader {
  readonly #reader = new AttributeReader();
  #isNodeUnread = false;

  /** True where what the mapping calls its nodes is not all known, so that a name may be right which seems to be wrong. */
  get isNodeUnread(): boolean {
    return this.#isNodeUnread;
  }

  get problems(): readonly MappingProblem[] {
    return this.#reader.problems;
  }

  report(path: string, sentence: string): void {
    this.#reader.report(path, sentence);
  }

  /** Reads what it can, so that paths are checked even when something else is wrong. Null when nothing can be read. */
  read(graph: unknown): Mapping | null {
    if (!isObject(graph)) {
      this.#reader.report('graph', 'must be an object');
      return null;
    }
    this.#reader.known(graph, 'graph', attributes.graph);
    return {
      domain: this.#domain(graph.domain),
      time: this.#reader.path(graph.time, 'graph.time'),
      eventId: graph.eventId === undefined ? null : this.#reader.path(graph.eventId, 'graph.eventId'),
      rank: this.#rank(graph.rank),
      lookups: this.#lookups(graph.lookups),
      body: this.#block(graph, 'graph', 0),
      journey: graph.journey === undefined ? null : this.#journey(graph.journey),
    };
  }

  #lookups(given: unknown): readonly LookupDeclaration[] {
    const lookups = this.#reader.list(given, 'graph.lookups');
    if (lookups.length > lookupsMax)
      this.#reader.report('graph.lookups', `must declare no more than ${lookupsMax}`);
    return lookups
      .slice(0, lookupsMax)
      .map((lookup, index) => this.#lookup(lookup, `graph.lookups[${index}]`))
      .filter((lookup) => lookup !== null);
  }

  #lookup(lookup: unknown, at: string): LookupDeclaration | null {
    const given = this.#reader.object(lookup, at, attributes.lookup);
    if (given === null) return null;
    const { topic, late } = given;
    const isTopic = typeof topic === 'string' && topicPattern.test(topic);
    if (!isTopic) {
      const expected = 'must be the name of a topic: letters, digits, `.`, `_` and `-`, at most 249';
      this.#reader.report(`${at}.topic`, topic === undefined ? 'is missing' : expected);
    }
    if (late !== undefined && late !== 'ignore') this.#reader.report(`${at}.late`, 'must be `ignore`');
    return {
      as: this.#reader.name(given.as, `${at}.as`),
      topic: isTopic ? topic : '',
      key: this.#reader.value(given.key, `${at}.key`),
      missing: this.#missing(given.missing, `${at}.missing`),
      at,
    };
  }

  #missing(given: unknown, at: string): MissingRow {
    if (given === undefined || given === 'apply') return applied;
    if (!isObject(given)) {
      this.#reader.report(at, 'must be `apply`, or an object such as `{"waitMs": 5000, "then": "apply"}`');
      return applied;
    }
    this.#reader.known(given, at, attributes.missing);
    const { waitMs, then } = given;
    const isWait =
      typeof waitMs === 'number' && Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= waitMsMax;
    if (!isWait) this.#reader.report(`${at}.waitMs`, `must be a whole number from 0 to ${waitMsMax}`);
    if (then !== 'apply' && then !== 'deadLetter')
      this.#reader.report(`${at}.then`, 'must be `apply` or `deadLetter`');
    return { waitMs: isWait ? waitMs : 0, afterwards: then === 'deadLetter' ? then : 'apply' };
  }

  #block(given: Attributes, at: string, depth: number): BlockDeclaration {
    const nodes = this.#reader.list(given.nodes, `${at}.nodes`);
    const edges = this.#reader.list(given.edges, `${at}.edges`);
    const loops = this.#reader.list(given.forEach, `${at}.forEach`);
    const read = nodes.map((node, index) => this.#node(node, `${at}.nodes[${index}]`));
    const isList = given.nodes === undefined || Array.isArray(given.nodes);
    if (!isList || read.some((node) => node === null || node.as === '')) this.#isNodeUnread = true;
    return {
      where: this.#reader.condition(given.where, at),
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
    const given = this.#reader.object(loop, at, attributes.loop);
    if (given === null) return null;
    if (depth > loopDepthMax) {
      this.#reader.report(at, `is a loop in more than ${loopDepthMax - 1} other loops`);
      return null;
    }
    return {
      in: this.#reader.path(given.in, `${at}.in`),
      as: this.#reader.name(given.as, `${at}.as`),
      body: this.#block(given, at, depth),
      at,
    };
  }

  #node(node: unknown, at: string): NodeDeclaration | null {
    const given = this.#reader.object(node, at, attributes.node);
    if (given === null) return null;
    const type = this.#reader.name(given.type, `${at}.type`);
    const op = this.#operation(given.op, at);
    const properties = this.#properties(given.properties, at, 'node');
    if (op === 'delete' && properties.length > 0)
      this.#reader.report(`${at}.properties`, 'cannot be set by a delete');
    if (given.optional !== undefined && typeof given.optional !== 'boolean') {
      this.#reader.report(`${at}.optional`, 'must be true or false');
    }
    return {
      as: given.as === undefined ? type : this.#reader.name(given.as, `${at}.as`),
      type,
      id: this.#reader.value(given.id, `${at}.id`),
      optional: given.optional === true,
      op,
      ttlMs: this.#reader.ttl(given.ttl, at),
      where: this.#reader.condition(given.where, at),
      properties,
      at,
    };
  }

  #edge(edge: unknown, at: string): EdgeDeclaration | null {
    const given = this.#reader.object(edge, at, attributes.edge);
    if (given === null) return null;
    const op = this.#operation(given.op, at);
    const properties = this.#properties(given.properties, at, 'edge');
    if (op === 'delete' && properties.length > 0)
      this.#reader.report(`${at}.properties`, 'cannot be set by a delete');
    return {
      type: this.#reader.name(given.type, `${at}.type`),
      from: this.#reader.name(given.from, `${at}.from`),
      to: this.#reader.name(given.to, `${at}.to`),
      key: given.key === undefined ? null : this.#reader.value(given.key, `${at}.key`),
      op,
      ttlMs: this.#reader.ttl(given.ttl, at),
      where: this.#reader.condition(given.where, at),
      properties,
      at,
    };
  }

  #journey(journey: unknown): JourneyDeclaration | null {
    const given = this.#reader.object(journey, 'graph.journey', attributes.journey);
    if (given === null) return null;
    const action = typeof given.action === 'string' ? given.action : '';
    if (action.trim() === '' || Buffer.byteLength(action) > actionBytesMax || /\p{Cc}/u.test(action)) {
      this.#reader.report(
        'graph.journey.action',
        `must be a wording of 1 to ${actionBytesMax} bytes, such as \`watched\``,
      );
    }
    return {
      owner: this.#reader.name(given.owner, 'graph.journey.owner'),
      action,
      where: this.#reader.condition(given.where, 'graph.journey'),
      properties: this.#properties(given.properties, 'graph.journey', 'journey'),
    };
  }

  #properties(given: unknown, ownerAt: string, owner: Owner): readonly PropertyDeclaration[] {
    if (given === undefined) return [];
    const at = `${ownerAt}.properties`;
    if (!isObject(given)) {
      this.#reader.report(at, 'must be an object of property names and values');
      return [];
    }
    const entries = Object.entries(given);
    if (entries.length > declarationsMax)
      this.#reader.report(at, `must declare no more than ${declarationsMax}`);
    return entries.slice(0, declarationsMax).map(([name, value]) => {
      this.#reader.name(name, `${at}.${name}`);
      return this.#property(name, value, `${at}.${name}`, owner);
    });
  }

  #property(name: string, given: unknown, at: string, owner: Owner): PropertyDeclaration {
    if (!isObject(given))
      return { name, value: this.#reader.value(given, at), set: null, fold: null, where: null };
    const { set, fold, where, ...value } = given;
    return {
      name,
      value: this.#reader.value(value, at),
      where: this.#reader.condition(where, at),
      set: this.#reader.word(
        set,
        `${at}.set`,
        setChanges,
        owner === 'node',
        'only nodes have sets: `fold` an edge by `set`',
      ),
      fold: this.#reader.word(
        fold,
        `${at}.fold`,
        folds,
        owner === 'edge',
        'only edges are folded from many occurrences',
      ),
    };
  }

  #domain(given: unknown): string {
    if (typeof given === 'string' && domainPattern.test(given)) return given;
    const expected = 'must be a name such as `streaming`: letters, digits, _ and -, a letter first';
    this.#reader.report('graph.domain', given === undefined ? 'is missing' : expected);
    return '';
  }

  #rank(given: unknown): number | ValueDeclaration {
    if (given === undefined) return 0;
    if (typeof given === 'string' || isObject(given)) return this.#reader.value(given, 'graph.rank');
    if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return given;
    this.#reader.report('graph.rank', 'must be a whole number from 0 to 2^53 - 1, a path or an expression');
    return 0;
  }

  #operation(given: unknown, at: string): Operation {
    if (given === undefined || given === 'upsert') return 'upsert';
    if (given === 'delete') return 'delete';
    this.#reader.report(`${at}.op`, 'must be `upsert` or `delete`');
    return 'upsert';
  }
}
