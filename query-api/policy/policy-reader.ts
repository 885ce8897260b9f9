import { didYouMean } from '../../foundation/index.ts';
import {
  everyName,
  type Fields,
  type NodeRights,
  type PartRights,
  type Policy,
  type RowRule,
  type ScopeRights,
} from './policy.ts';
import { readPolicyText, type TextNode } from './policy-text.ts';

export interface PolicyReading {
  /** Null when there is a problem. */
  readonly policy: Policy | null;
  /** Each `file:line:column: sentence`. */
  readonly problems: readonly string[];
}

const scopesMax = 200;
const namesMax = 10_000;
const graphName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Strict: a name that means nothing is a problem and never passed over, for it was meant to say something about rights. Never throws. */
export function readPolicy(file: string, text: string): PolicyReading {
  const { root, problems } = readPolicyText(file, text);
  if (root === null) return { policy: null, problems };
  const reader = new Reader();
  const policy = reader.policy(root);
  return reader.problems.length > 0 ? { policy: null, problems: reader.problems } : { policy, problems: [] };
}

type Readers = Readonly<Record<string, (node: TextNode) => void>>;

/** Goes on after a problem, so that all of them are told at once. */
class Reader {
  readonly problems: string[] = [];
  readonly #claims = new Set<string>();

  policy(root: TextNode): Policy {
    let scopes: ReadonlyMap<string, ScopeRights> = new Map();
    this.#object(root, ['version', 'scopes'], {
      version: (node) => {
        if (plainOf(node) !== 1) this.#problem(node.at, 'version must be 1');
      },
      scopes: (node) => {
        scopes = this.#named(
          node,
          'scope',
          (name) => /^[!#-[\]-~]{1,256}$/.test(name),
          (_, of) => this.#scope(of),
        );
        if (scopes.size > scopesMax) this.#problem(node.at, `takes at most ${scopesMax} scopes`);
      },
    });
    return { scopes, claims: this.#claims };
  }

  #scope(node: TextNode): ScopeRights {
    let operations: ReadonlySet<string> = new Set();
    let costBudget: number | null = null;
    let nodes: ReadonlyMap<string, NodeRights> = new Map();
    let edges: ReadonlyMap<string, PartRights> = new Map();
    let steps: ReadonlyMap<string, PartRights> = new Map();
    this.#object(node, ['operations'], {
      operations: (list) => {
        operations = new Set(this.#names(list, 'the name of a root field', graphName));
      },
      costBudget: (value) => {
        costBudget = this.#budget(value);
      },
      nodes: (map) => {
        nodes = this.#named(map, 'node type', isTypeName, (_, of) => this.#nodeRights(of));
      },
      edges: (map) => {
        edges = this.#named(map, 'edge type', isTypeName, (_, of) => this.#partRights(of));
      },
      steps: (map) => {
        steps = this.#named(
          map,
          'domain',
          (name) => name !== '',
          (_, of) => this.#partRights(of),
        );
      },
    });
    return { operations, costBudget, nodes, edges, steps };
  }

  #budget(node: TextNode): number | null {
    const value = plainOf(node);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
    this.#problem(node.at, 'costBudget must be a whole number above 0');
    return null;
  }

  #nodeRights(node: TextNode): NodeRights {
    let rows: NodeRights['rows'] = [];
    const part = this.#partRights(node, {
      rows: (value) => {
        rows = this.#rows(value);
      },
    });
    return { rows, ...part };
  }

  #partRights(node: TextNode, more: Readers = {}): PartRights {
    let fields: Fields = new Set();
    let lineage = false;
    this.#object(node, [...Object.keys(more), 'fields'], {
      ...more,
      fields: (value) => {
        fields =
          plainOf(value) === 'all' ? 'all' : new Set(this.#names(value, 'the name of a property', /./));
      },
      lineage: (value) => {
        const given = plainOf(value);
        if (typeof given === 'boolean') lineage = given;
        else this.#problem(value.at, 'lineage must be true or false');
      },
    });
    return { fields, lineage };
  }

  #rows(node: TextNode): NodeRights['rows'] {
    if (plainOf(node) === 'all') return 'all';
    if (node.value.kind === 'list' && node.value.items.length > 0) {
      return node.value.items.flatMap((item) => this.#rule(item) ?? []);
    }
    this.#problem(node.at, 'rows must be `all` or a list of rules');
    return [];
  }

  #rule(node: TextNode): RowRule | null {
    const names = node.value.kind === 'map' ? node.value.entries.map(([name]) => name) : [];
    const texts: Record<string, string> = {};
    const take = (name: string): ((value: TextNode) => void) => {
      return (value) => {
        const plain = plainOf(value);
        if (typeof plain === 'string' && plain !== '') texts[name] = plain;
        else this.#problem(value.at, `${name} must be a text`);
      };
    };
    const read = (wanted: readonly string[]): boolean => {
      const before = this.problems.length;
      this.#object(node, wanted, Object.fromEntries(wanted.map((name) => [name, take(name)])));
      return this.problems.length === before;
    };
    if (names.includes('over'))
      return read(['over', 'direction', 'node']) ? this.#overRule(node, texts) : null;
    if (names.includes('idEqualsClaim')) {
      return read(['idEqualsClaim']) ? { kind: 'id', claim: this.#claim(texts.idEqualsClaim) } : null;
    }
    if (!read(['property', 'equalsClaim'])) return null;
    return { kind: 'property', property: texts.property ?? '', claim: this.#claim(texts.equalsClaim) };
  }

  #overRule(
    rule: TextNode,
    { over = '', direction, node = '' }: Readonly<Record<string, string>>,
  ): RowRule | null {
    if (!graphName.test(over) || !graphName.test(node)) {
      this.#problem(rule.at, 'over takes the name of an edge type, and node the name of a node type');
    } else if (direction === 'out' || direction === 'in') {
      return { kind: 'over', edge: over, direction, node };
    } else
      this.#problem(rule.at, 'direction must be `out` or `in`, as seen from the node that the rule is about');
    return null;
  }

  #claim(name = ''): string {
    this.#claims.add(name);
    return name;
  }

  #names(node: TextNode, what: string, form: RegExp): readonly string[] {
    if (node.value.kind !== 'list' || node.value.items.length > namesMax) {
      this.#problem(node.at, `must be a list, each item ${what}`);
      return [];
    }
    return node.value.items.flatMap((item) => {
      const name = plainOf(item);
      if (typeof name === 'string' && form.test(name)) return name;
      this.#problem(item.at, `must be ${what}`);
      return [];
    });
  }

  #named<T>(
    node: TextNode,
    what: string,
    fits: (name: string) => boolean,
    read: (name: string, node: TextNode) => T,
  ): ReadonlyMap<string, T> {
    const found = new Map<string, T>();
    if (node.value.kind !== 'map' || node.value.entries.length > namesMax) {
      this.#problem(node.at, `must be a map by ${what}`);
      return found;
    }
    for (const [name, value, at] of node.value.entries) {
      if (fits(name)) found.set(name, read(name, value));
      else this.#problem(at, `\`${name}\` is no name of a ${what}`);
    }
    return found;
  }

  #object(node: TextNode, needed: readonly string[], readers: Readers): void {
    if (node.value.kind !== 'map') {
      this.#problem(node.at, `must be a map with ${Object.keys(readers).join(', ')}`);
      return;
    }
    const given = new Set<string>();
    for (const [name, value, at] of node.value.entries) {
      given.add(name);
      const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
      if (read !== undefined) read(value);
      else
        this.#problem(
          at,
          `\`${name}\` means nothing here${didYouMean(name.slice(0, 100), Object.keys(readers))}`,
        );
    }
    for (const name of needed) if (!given.has(name)) this.#problem(node.at, `\`${name}\` is missing`);
  }

  #problem(at: string, sentence: string): void {
    this.problems.push(`${at}: ${sentence}`);
  }
}

function isTypeName(name: string): boolean {
  return name === everyName || graphName.test(name);
}

function plainOf({ value }: TextNode): unknown {
  return value.kind === 'plain' ? value.plain : undefined;
}
