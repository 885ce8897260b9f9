import { didYouMean } from '../foundation/index.ts';
import { isObject } from './schema-text.ts';

/** What an event means for the graph, as its schema's `graph` attribute declares it; paths are not resolved yet. */
export interface Mapping {
  readonly domain: string;
  readonly time: string;
  readonly eventId: string | null;
  /** 0 to 255. */
  readonly rank: number;
  readonly nodes: readonly NodeDeclaration[];
  readonly edges: readonly EdgeDeclaration[];
  readonly journey: JourneyDeclaration | null;
}

export type Operation = 'upsert' | 'delete';

export interface PropertyDeclaration {
  readonly name: string;
  readonly path: string;
  /** Where it stands in the schema, for problems. */
  readonly at: string;
}

export interface NodeDeclaration {
  /** How edges and the journey name it; its type when not given. */
  readonly as: string;
  readonly type: string;
  readonly id: string;
  readonly optional: boolean;
  readonly op: Operation;
  readonly properties: readonly PropertyDeclaration[];
  readonly at: string;
}

export interface EdgeDeclaration {
  readonly type: string;
  readonly from: string;
  readonly to: string;
  readonly op: Operation;
  readonly properties: readonly PropertyDeclaration[];
  readonly at: string;
}

export interface JourneyDeclaration {
  readonly owner: string;
  readonly action: string;
  readonly properties: readonly PropertyDeclaration[];
}

/** One thing that is wrong with a mapping. */
export interface MappingProblem {
  /** Where in the schema, such as `graph.edges[0].to`. */
  readonly path: string;
  /** A clause that goes on after the path. */
  readonly sentence: string;
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const domainPattern = /^[A-Za-z][A-Za-z0-9_-]{0,127}$/;
const reservedNames = new Set(['constructor', 'prototype']);
const problemsMax = 50;
const declarationsMax = 1_000;
const actionBytesMax = 128;

const attributes = {
  graph: ['domain', 'time', 'eventId', 'rank', 'nodes', 'edges', 'journey'],
  node: ['as', 'type', 'id', 'optional', 'op', 'properties'],
  edge: ['type', 'from', 'to', 'op', 'properties'],
  journey: ['owner', 'action', 'properties'],
} as const;

type Attributes = Readonly<Record<string, unknown>>;

/** Collects problems while it reads; what it returns is only worth compiling when there are none. */
export class MappingReader {
  readonly problems: MappingProblem[] = [];

  report(path: string, sentence: string): void {
    if (this.problems.length < problemsMax) this.problems.push({ path, sentence });
  }

  /** Reads what it can, so that paths are checked even when something else is wrong. Null when nothing can be read. */
  read(graph: unknown): Mapping | null {
    if (!isObject(graph)) {
      this.report('graph', 'must be an object');
      return null;
    }
    this.#known(graph, 'graph', attributes.graph);
    const nodes = this.#list(graph.nodes, 'graph.nodes').map((node, index) => this.#node(node, index));
    const edges = this.#list(graph.edges ?? [], 'graph.edges').map((edge, index) => this.#edge(edge, index));
    if (Array.isArray(graph.nodes) && nodes.length === 0)
      this.report('graph.nodes', 'must declare at least one node');
    return {
      domain: this.#domain(graph.domain),
      time: this.#path(graph.time, 'graph.time'),
      eventId: graph.eventId === undefined ? null : this.#path(graph.eventId, 'graph.eventId'),
      rank: this.#rank(graph.rank),
      nodes: nodes.filter((node) => node !== null),
      edges: edges.filter((edge) => edge !== null),
      journey: graph.journey === undefined ? null : this.#journey(graph.journey),
    };
  }

  #node(node: unknown, index: number): NodeDeclaration | null {
    const at = `graph.nodes[${index}]`;
    const given = this.#object(node, at, attributes.node);
    if (given === null) return null;
    const type = this.#name(given.type, `${at}.type`);
    const op = this.#operation(given.op, at);
    const properties = this.#properties(given.properties, at);
    if (op === 'delete' && properties.length > 0)
      this.report(`${at}.properties`, 'cannot be set by a delete');
    if (given.optional !== undefined && typeof given.optional !== 'boolean') {
      this.report(`${at}.optional`, 'must be true or false');
    }
    return {
      as: given.as === undefined ? type : this.#name(given.as, `${at}.as`),
      type,
      id: this.#path(given.id, `${at}.id`),
      optional: given.optional === true,
      op,
      properties,
      at,
    };
  }

  #edge(edge: unknown, index: number): EdgeDeclaration | null {
    const at = `graph.edges[${index}]`;
    const given = this.#object(edge, at, attributes.edge);
    if (given === null) return null;
    const op = this.#operation(given.op, at);
    const properties = this.#properties(given.properties, at);
    if (op === 'delete' && properties.length > 0)
      this.report(`${at}.properties`, 'cannot be set by a delete');
    return {
      type: this.#name(given.type, `${at}.type`),
      from: this.#name(given.from, `${at}.from`),
      to: this.#name(given.to, `${at}.to`),
      op,
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
      properties: this.#properties(given.properties, 'graph.journey'),
    };
  }

  #properties(given: unknown, owner: string): readonly PropertyDeclaration[] {
    if (given === undefined) return [];
    const at = `${owner}.properties`;
    if (!isObject(given)) {
      this.report(at, 'must be an object of property names and paths');
      return [];
    }
    return Object.entries(given).map(([name, path]) => {
      this.#name(name, `${at}.${name}`);
      return { name, path: this.#path(path, `${at}.${name}`), at: `${at}.${name}` };
    });
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
    if (!Array.isArray(given)) {
      this.report(at, given === undefined ? 'is missing' : 'must be a list');
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

  #rank(given: unknown): number {
    if (given === undefined) return 0;
    if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= 255) return given;
    this.report('graph.rank', 'must be a whole number from 0 to 255');
    return 0;
  }

  #operation(given: unknown, at: string): Operation {
    if (given === undefined || given === 'upsert') return 'upsert';
    if (given === 'delete') return 'delete';
    this.report(`${at}.op`, 'must be `upsert` or `delete`');
    return 'upsert';
  }
}
