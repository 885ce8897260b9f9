import { BadDataError } from '../foundation/index.ts';
import type {
  EdgeMutation,
  Mutation,
  NodeProperty,
  NodeRef,
  Property,
  PropertyValue,
  StepLink,
} from '../graph-store/index.ts';
import type {
  BlockPlan,
  ConditionPlan,
  EdgePlan,
  LoopPlan,
  MappingPlan,
  NodePlan,
  PathPlan,
  PropertyPlan,
  StepPlan,
  ValuePlan,
} from '../schemas/index.ts';
import { compileRank } from './event-rank.ts';
import { compileTime } from './event-time.ts';
import type { Rows } from './lookup.ts';
import { compileEdgeKey, compileEventId, compileId } from './node-id.ts';
import { compilePath, type Read, type Roots } from './read.ts';
import { compileValue } from './value.ts';

/** What one event means; which event it is, is told by `eventId` or, where that is null, by its bytes. */
export interface MappedEvent {
  readonly timeMs: number;
  /** 0 to 2^53 - 1. */
  readonly rank: number;
  readonly eventId: string | null;
  readonly mutations: readonly Mutation[];
}

export interface MapSettings {
  /** How far ahead of the clock an event's time may lie, milliseconds. */
  readonly futureMsMax: number;
  /** How many mutations one event may mean. */
  readonly mutationsMax: number;
}

export const mapSettingsDefault = {
  futureMsMax: 300_000,
  mutationsMax: 2_000,
} as const satisfies MapSettings;

/**
 * A decoded event to its mutations; null when the mapping's conditions leave nothing of it. Throws `BadDataError` naming the path of
 * what cannot be mapped, `EVENT_MUTATIONS_LIMIT` or `EVENT_LOOP_LIMIT`. `rows` are those of the
 * mapping's lookups; without them there are none.
 */
export type MapEvent = (event: unknown, nowMs: number, rows?: Rows) => MappedEvent | null;

/** Loops may go through one array inside itself: a thousand items are a billion rounds, and none of them need write anything. */
const roundsMax = 100_000;
const noProperties: readonly Property[] = [];
const noRoots: readonly number[] = [];
const noLinks: readonly StepLink[] = [];

/** One event under way. Each mapping has one and begins it anew: an event is mapped in one go, and its mutations are its caller's alone. */
class Work {
  mutations: Mutation[] = [];
  /** By slot; null where the event does not name the node. */
  readonly nodes: (NodeRef | null)[];
  /** By slot: whether a mutation says already that the node exists. */
  readonly mentioned: boolean[];
  links: StepLink[] | null = null;
  readonly #mutationsMax: number;
  #rounds = 0;

  constructor(slots: number, mutationsMax: number) {
    this.nodes = new Array(slots).fill(null);
    this.mentioned = new Array(slots).fill(false);
    this.#mutationsMax = mutationsMax;
  }

  /** What was mapped before, whether or not to the end, is forgotten. */
  begin(): void {
    this.mutations = [];
    this.links = null;
    this.#rounds = 0;
    for (let slot = 0; slot < this.nodes.length; slot += 1) {
      this.nodes[slot] = null;
      this.mentioned[slot] = false;
    }
  }

  /** Counts the rounds of all loops. */
  beginRound(): void {
    this.#rounds += 1;
    if (this.#rounds > roundsMax) {
      throw new BadDataError(
        'EVENT_LOOP_LIMIT',
        `The event makes its mapping's loops go through more than ${roundsMax} items in all; map fewer of them.`,
      );
    }
  }

  push(mutation: Mutation): void {
    this.mutations.push(mutation);
    if (this.mutations.length > this.#mutationsMax) {
      const limit = `more than ${this.#mutationsMax} mutations`;
      throw new BadDataError(
        'EVENT_MUTATIONS_LIMIT',
        `The event means ${limit}, because an array or map in it is too long; raise mapping.mutations.max if that is right.`,
      );
    }
  }
}

type Run = (roots: Roots, work: Work) => void;
type Holds = (roots: Roots) => boolean;

/** The compiler's back half: a plan to plain closures. */
export function compileMap(plan: MappingPlan, settings: MapSettings): MapEvent {
  const { slots, step, domain } = plan;
  const { mutationsMax } = settings;
  const readTime = compileTime(plan.time, settings.futureMsMax);
  const readRank = compileRank(plan.rank);
  const readEventId = plan.eventId === null ? null : compileEventId(plan.eventId);
  const holds = compileCondition(plan.body.where);
  const run = compileBlock(plan.body, step?.owner ?? null);
  const writeStep = step === null ? null : compileStep(step, domain);
  const noRows: Rows = plan.lookups.map(() => null);
  const work = new Work(slots, mutationsMax);
  return (event, nowMs, rows = noRows) => {
    const roots = rows.length === 0 ? [event] : [event, ...rows];
    if (holds !== null && !holds(roots)) return null;
    const timeMs = readTime(roots, nowMs);
    const eventId = readEventId === null ? null : readEventId(roots);
    work.begin();
    run(roots, work);
    if (writeStep !== null) writeStep(roots, work);
    const { mutations } = work;
    return mutations.length === 0 ? null : { timeMs, rank: readRank(roots), eventId, mutations };
  };
}

function compileCondition(condition: ConditionPlan | null): Holds | null {
  return condition === null ? null : (roots) => condition.evaluate(roots) === true;
}

/** In the order nodes, edges, inner blocks; then nodes that nothing has mentioned. */
function compileBlock(block: BlockPlan, owner: number | null): Run {
  const reads = block.nodes.map(compileNode);
  const writes = block.nodes.flatMap(compileNodeMutation);
  const edges = block.edges.map((edge) => compileEdge(edge, owner));
  const loops = block.loops.map((loop) => compileLoop(loop, owner));
  const rest = block.nodes.filter(needsMention);
  return (roots, work) => {
    for (const read of reads) read(roots, work);
    for (const write of writes) write(roots, work);
    for (const write of edges) write(roots, work);
    for (const loop of loops) loop(roots, work);
    for (const { slot } of rest) {
      const node = work.nodes[slot];
      if (node && work.mentioned[slot] !== true) work.push({ kind: 'node', node, properties: noProperties });
    }
  };
}

function needsMention({ implied, op, properties }: NodePlan): boolean {
  return !implied && op === 'upsert' && properties.length === 0;
}

function compileLoop({ in: path, over, body }: LoopPlan, owner: number | null): Run {
  const read = compilePath(path);
  const holds = compileCondition(body.where);
  const run = compileBlock(body, owner);
  return (roots, work) => {
    const value = read(roots);
    if (value === null || value === undefined) return;
    for (const item of over === 'items' ? itemsOf(value) : entriesOf(value)) {
      work.beginRound();
      const inner = [...roots, item];
      if (holds === null || holds(inner)) run(inner, work);
    }
  };
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function entriesOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, inner]: [string, unknown]) => ({ key, value: inner }));
}

function compileNode({ slot, type, optional, id, where }: NodePlan): Run {
  const readId = compileId(id);
  const holds = compileCondition(where);
  return (roots, work) => {
    work.nodes[slot] = null;
    work.mentioned[slot] = false;
    if (holds !== null && !holds(roots)) return;
    const text = readId(roots);
    if (text !== null) {
      work.nodes[slot] = { type, id: text };
      return;
    }
    if (optional) return;
    throw new BadDataError(
      'NODE_ID_MISSING',
      `\`${id.text}\` is null, but the ${type} it names is not optional.`,
      {
        context: { path: id.text },
      },
    );
  };
}

function compileProperties(properties: readonly PropertyPlan[]): Read<readonly Property[]> {
  if (properties.length === 0) return () => noProperties;
  const reads = properties
    .map(({ name, value, where }) => ({
      name,
      read: compileValue(value),
      rows: value.rows ?? noRoots,
      holds: compileCondition(where),
    }))
    // In the store's order, so that it need not sort each event's.
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (reads.every(({ rows, holds }) => rows.length === 0 && holds === null))
    return (roots) => {
      const found: Property[] = [];
      for (let i = 0; i < reads.length; i += 1) {
        const one = reads[i];
        if (one !== undefined) found.push([one.name, one.read(roots)]);
      }
      return found;
    };
  return (roots) => {
    const found: Property[] = [];
    for (const { name, read, rows, holds } of reads) {
      if (holds !== null && !holds(roots)) continue;
      const value = read(roots);
      // What a row that is not there would say is unknown: a null would take away what an earlier event had of it.
      if (value === null && rows.some((root) => roots[root] === null)) continue;
      found.push([name, value]);
    }
    return found;
  };
}

function compileNodeProperties(properties: readonly PropertyPlan[]): Read<readonly NodeProperty[]> {
  const plain = properties.filter(({ set }) => set === null);
  const readPlain = compileProperties(plain);
  if (plain.length === properties.length) return readPlain;
  const sets = properties.flatMap(({ name, value, set, where }) =>
    set === null
      ? []
      : [
          {
            name,
            op: set.op,
            read: compileElements(value, set.in),
            rows: value.rows ?? noRoots,
            holds: compileCondition(where),
          },
        ],
  );
  return (roots) => {
    const changes: NodeProperty[] = [...readPlain(roots)];
    for (const { name, op, read, rows, holds } of sets) {
      if (holds !== null && !holds(roots)) continue;
      const elements = read(roots);
      // What a row that is not there would say is unknown, so it replaces nothing.
      if (elements.length === 0 && rows.some((root) => roots[root] === null)) continue;
      // Nothing added and nothing removed is no change; nothing instead of what was there is one.
      if (elements.length > 0 || op === 'replace') changes.push([name, { set: op, elements }]);
    }
    return changes;
  };
}

/** Each value once, nulls left out. */
function compileElements(value: ValuePlan, array: PathPlan | null): Read<readonly PropertyValue[]> {
  const readElement = compileValue(value);
  const readArray = array === null ? null : compilePath(array);
  return (roots) => {
    const items = readArray === null ? null : itemsOf(readArray(roots));
    const values = items === null ? [readElement(roots)] : items.map((item) => readElement([...roots, item]));
    return [...new Set(values.filter((element) => element !== null))];
  };
}

/** Nothing yet for a node without properties: what else the event says usually implies that it exists. */
function compileNodeMutation({ slot, op, properties }: NodePlan): readonly Run[] {
  if (op === 'delete') {
    return [
      (_roots, work) => {
        const node = work.nodes[slot];
        if (node) work.push({ kind: 'node-delete', node });
      },
    ];
  }
  if (properties.length === 0) return [];
  const readProperties = compileNodeProperties(properties);
  return [
    (roots, work) => {
      const node = work.nodes[slot];
      if (node) work.push({ kind: 'node', node, properties: readProperties(roots) });
    },
  ];
}

function compileEdge(edge: EdgePlan, owner: number | null): Run {
  const { type, op, from, to, where, properties } = edge;
  const readProperties = compileProperties(properties);
  const readKey = edge.key === null ? null : compileEdgeKey(edge.key, type);
  const holds = compileCondition(where);
  const direction = from === owner ? 'out' : 'in';
  const isLinked = op === 'upsert' && (from === owner || to === owner);
  const other = from === owner ? to : from;
  return (roots, work) => {
    const fromNode = work.nodes[from];
    const toNode = work.nodes[to];
    if (!fromNode || !toNode) return;
    if (holds !== null && !holds(roots)) return;
    if (op === 'delete') {
      const ends = { type, from: fromNode, to: toNode };
      const found = readKey === null ? ends : { ...ends, key: readKey(roots) };
      work.push({ kind: 'edge-delete', ...found });
      return;
    }
    // Written out: to spread an object costs more than all else of an edge.
    const edge: EdgeMutation =
      readKey === null
        ? { kind: 'edge', type, from: fromNode, to: toNode, properties: readProperties(roots) }
        : {
            kind: 'edge',
            type,
            from: fromNode,
            to: toNode,
            key: readKey(roots),
            properties: readProperties(roots),
          };
    work.push(edge);
    work.mentioned[from] = true;
    work.mentioned[to] = true;
    if (!isLinked) return;
    const node = work.nodes[other];
    work.links ??= [];
    if (node) work.links.push({ edge: type, direction, node });
  };
}

function compileStep({ owner, action, where, properties }: StepPlan, domain: string): Run {
  const readProperties = compileProperties(properties);
  const holds = compileCondition(where);
  return (roots, work) => {
    const node = work.nodes[owner];
    if (!node) return;
    if (holds !== null && !holds(roots)) return;
    const links = work.links ?? noLinks;
    work.push({ kind: 'step', owner: node, domain, action, links, properties: readProperties(roots) });
  };
}
