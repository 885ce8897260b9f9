import {
  edgeHead,
  linkHead,
  nameHead,
  nodeIdBytesMax,
  type PackedEvent,
  stepHead,
  typeHead,
} from '../graph-store/index.ts';
import type {
  AvroSchema,
  EdgePlan,
  FieldRead,
  MappingPlan,
  NodePlan,
  PropertyPlan,
} from '../schemas/index.ts';
import type { MapSettings } from './map.ts';
import { PlainFields, type PlainText } from './plain-fields.ts';
import { behindWhole, compilePlainValue, type WriteValue, wholeAt } from './plain-value.ts';
import { timeMsMax } from './value.ts';

/**
 * A mapping that only says which field goes where, as most do: no condition, loop, lookup, function or expression. Its events are written from their
 * Avro bytes straight into a batch's, which spares a text, an object or both for each value: half of what an event cost before the store had it.
 *
 * It knows nothing of errors. Whatever is unusual in an event (an id that is null, empty or too long, a time that is none, a number that is not finite)
 * makes `pack` answer false, and the event goes the general way, which is where all rules and all messages are.
 */
export interface PlainMapping {
  /** Fields whose places in the event's bytes are needed, through records alone. */
  readonly paths: readonly (readonly string[])[];
  /** `places` are those of the paths. What was written is nothing when it answers false. */
  pack(bytes: Uint8Array, places: Int32Array, nowMs: number, out: PackedEvent): boolean;
  /** What tells which event it is: its own id or, where the mapping names none, all of it from `start` on. Null where an id is null or none. */
  identity(bytes: Uint8Array, start: number, places: Int32Array): Uint8Array | null;
}

/** As many as a batch remembers of one event, so that a node is defined once by either way. */
const nodesMax = 16;
const mutationsMax = 100;
/** So that a count is one byte. */
const listMax = 127;

interface PlainNode {
  readonly type: Uint8Array;
  readonly id: PlainText;
  /** Slots of nodes of the same type: two ids may turn out to be one. */
  readonly peers: readonly number[];
}

interface PlainProperty {
  readonly head: Uint8Array;
  readonly place: number;
  readonly write: WriteValue;
}

/** Null where a mapping, or what it needs of the schema, is more than that. */
export function compilePlainMapping(
  plan: MappingPlan,
  schema: AvroSchema,
  settings: MapSettings,
): PlainMapping | null {
  const { body, rank, lookups, step } = plan;
  if (typeof rank !== 'number' || lookups.length > 0 || body.where !== null || body.loops.length > 0)
    return null;
  if (body.nodes.length > nodesMax || body.edges.length > listMax) return null;
  const fields = new PlainFields(schema.type);
  const readTime = compilePlainTime(plan.time, fields, settings.futureMsMax);
  const eventId = plan.eventId === null ? null : fields.text(plan.eventId);
  const nodes = compileNodes(plan, fields);
  const writes = nodes === null ? null : compileWrites(plan, fields);
  if (readTime === null || nodes === null || writes === null) return null;
  if (plan.eventId !== null && eventId === null) return null;
  if (writes.length === 0 || writes.length > Math.min(mutationsMax, settings.mutationsMax)) return null;
  if (step !== null && step.where !== null) return null;
  const event = new EventNodes(nodes);
  return {
    paths: fields.paths,
    identity: (bytes, start, places) =>
      eventId === null ? bytesOf(bytes, start, bytes.length) : idOf(eventId, bytes, places),
    pack: (bytes, places, nowMs, out) => {
      const timeMs = readTime(bytes, places, nowMs);
      if (timeMs < 0 || !event.begin(bytes, places)) return false;
      out.begin();
      for (const write of writes) if (!write(bytes, places, event, out)) return false;
      out.timeMs = timeMs;
      out.rank = rank;
      return true;
    },
  };
}

type Write = (bytes: Uint8Array, places: Int32Array, nodes: EventNodes, out: PackedEvent) => boolean;

/** Where an event has its nodes' ids, and where they are defined among its mutations. */
class EventNodes {
  readonly #nodes: readonly PlainNode[];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #defined: Int32Array;

  constructor(nodes: readonly PlainNode[]) {
    this.#nodes = nodes;
    this.#starts = new Int32Array(nodes.length);
    this.#ends = new Int32Array(nodes.length);
    this.#defined = new Int32Array(nodes.length);
  }

  /** False where one of them is no id. */
  begin(bytes: Uint8Array, places: Int32Array): boolean {
    for (let slot = 0; slot < this.#nodes.length; slot += 1) {
      const id = this.#nodes[slot]?.id;
      const at = id === undefined ? -1 : id.place(bytes, places);
      if (at < 0) return false;
      const start = behindWhole(bytes, at);
      const end = start + wholeAt(bytes, at);
      if (!isId(bytes, start, end)) return false;
      this.#starts[slot] = start;
      this.#ends[slot] = end;
      this.#defined[slot] = -1;
    }
    return true;
  }

  /** The place that names the node, which is defined when it is named first. */
  named(slot: number, bytes: Uint8Array, out: PackedEvent): number {
    const known = this.#defined[slot] ?? -1;
    const node = this.#nodes[slot];
    if (known >= 0 || node === undefined) return known;
    let place = out.define(node.type, bytes, this.#starts[slot] ?? 0, this.#ends[slot] ?? 0);
    for (const peer of node.peers) {
      const other = this.#defined[peer] ?? -1;
      if (other < 0 || !out.isSame(place, other)) continue;
      out.forget(place);
      place = other;
      break;
    }
    this.#defined[slot] = place;
    return place;
  }
}

function idOf(text: PlainText, bytes: Uint8Array, places: Int32Array): Uint8Array | null {
  const at = text.place(bytes, places);
  if (at < 0) return null;
  const start = behindWhole(bytes, at);
  const end = start + wholeAt(bytes, at);
  return isId(bytes, start, end) ? bytesOf(bytes, start, end) : null;
}

/** By the constructor: `subarray` takes three times as long. */
function bytesOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

function isId(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end || end - start > nodeIdBytesMax) return false;
  for (let i = start; i < end; i += 1) if (bytes[i] === 0) return false;
  return true;
}

/** Answers a number below 0 for what is no time of an event. */
function compilePlainTime(
  field: FieldRead,
  fields: PlainFields,
  futureMsMax: number,
): ((bytes: Uint8Array, places: Int32Array, nowMs: number) => number) | null {
  const place = fields.whole(field);
  if (place === null) return null;
  const unitsPerMs = field.kind === 'timestamp-micros' ? 1_000 : 1;
  return (bytes, places, nowMs) => {
    const timeMs = Math.floor(wholeAt(bytes, places[place] ?? 0) / unitsPerMs);
    return timeMs >= 0 && timeMs <= timeMsMax && timeMs <= nowMs + futureMsMax ? timeMs : -1;
  };
}

function compileNodes({ slots, body }: MappingPlan, fields: PlainFields): readonly PlainNode[] | null {
  const bySlot = [...body.nodes].sort((a, b) => a.slot - b.slot);
  if (bySlot.length !== slots) return null;
  return allOf(
    bySlot.map(({ slot, type, id, op, where }) => {
      const text = where === null && op === 'upsert' ? fields.idText(id) : null;
      const peers = body.nodes.filter((other) => other.type === type && other.slot !== slot);
      return text === null ? null : { type: typeHead(type), id: text, peers: peers.map((peer) => peer.slot) };
    }),
  );
}

/** In the order of the general way: nodes with properties, edges, nodes that nothing else mentions, the step. */
function compileWrites(plan: MappingPlan, fields: PlainFields): readonly Write[] | null {
  const { nodes, edges } = plan.body;
  const mentioned = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const alone = nodes.filter(
    ({ slot, implied, properties }) => properties.length === 0 && !implied && !mentioned.has(slot),
  );
  return allOf([
    ...nodes.filter(({ properties }) => properties.length > 0).map((node) => compileNode(node, fields)),
    ...edges.map((edge) => compileEdge(edge, fields)),
    ...alone.map((node) => compileNode(node, fields)),
    ...(plan.step === null ? [] : [compileStep(plan, fields)]),
  ]);
}

function compileNode({ slot, properties }: NodePlan, fields: PlainFields): Write | null {
  const writeProperties = compileProperties(properties, fields);
  if (writeProperties === null) return null;
  return (bytes, places, nodes, out) => {
    out.node(nodes.named(slot, bytes, out));
    return writeProperties(bytes, places, nodes, out);
  };
}

function compileEdge(edge: EdgePlan, fields: PlainFields): Write | null {
  const { type, from, to, key, op, where } = edge;
  if (op !== 'upsert' || key !== null || where !== null) return null;
  const writeProperties = compileProperties(edge.properties, fields);
  if (writeProperties === null) return null;
  const head = edgeHead(type);
  return (bytes, places, nodes, out) => {
    const fromPlace = nodes.named(from, bytes, out);
    out.edge(fromPlace, nodes.named(to, bytes, out), head);
    return writeProperties(bytes, places, nodes, out);
  };
}

function compileStep({ step, domain, body }: MappingPlan, fields: PlainFields): Write | null {
  const writeProperties = step === null ? null : compileProperties(step.properties, fields);
  if (step === null || writeProperties === null) return null;
  const { owner } = step;
  const links = body.edges
    .filter(({ from, to }) => from === owner || to === owner)
    .map(({ type, from, to }) => ({
      slot: from === owner ? to : from,
      head: linkHead(from === owner ? 'out' : 'in', type),
    }));
  const head = stepHead(domain, step.action, links.length);
  return (bytes, places, nodes, out) => {
    const place = nodes.named(owner, bytes, out);
    out.step(place, head);
    // Each of them is the end of an edge, so it has been defined before the block in which it is named.
    for (const link of links) out.link(link.head, nodes.named(link.slot, bytes, out));
    return writeProperties(bytes, places, nodes, out);
  };
}

/** All of a block from its count on, and its end. */
function compileProperties(properties: readonly PropertyPlan[], fields: PlainFields): Write | null {
  const found = allOf(
    [...properties].sort((a, b) => (a.name < b.name ? -1 : 1)).map((one) => compileProperty(one, fields)),
  );
  if (found === null || found.length > listMax) return null;
  const count = Uint8Array.of(found.length);
  return (bytes, places, _nodes, out) => {
    out.raw(count);
    for (const { head, place, write } of found) {
      out.raw(head);
      if (!write(bytes, places[place] ?? 0, out)) return false;
    }
    out.close();
    return true;
  };
}

function compileProperty(
  { name, value, set, where }: PropertyPlan,
  fields: PlainFields,
): PlainProperty | null {
  const { source, apply, kind } = value;
  if (set !== null || where !== null || apply.length > 0 || source.from !== 'field') return null;
  const found = fields.field(source.field);
  const write = found === null ? null : compilePlainValue(found.field, kind);
  return found === null || write === null ? null : { head: nameHead(name), place: found.place, write };
}

function allOf<T>(list: readonly (T | null)[]): readonly T[] | null {
  const found = list.filter((one) => one !== null);
  return found.length === list.length ? found : null;
}
