import { BadDataError } from '../foundation/index.ts';
import type { Mutation, NodeRef, Property, StepLink } from '../graph-store/index.ts';
import type { EdgePlan, MappingPlan, NodePlan, PropertyRead, StepPlan } from '../schemas/index.ts';
import { compileId, compileTime, compileValue, type Read } from './normalize.ts';

/** What one event means; which event it is, is told by `eventId` or, where that is null, by its bytes. */
export interface MappedEvent {
  readonly timeMs: number;
  readonly eventId: string | null;
  readonly mutations: readonly Mutation[];
}

export interface MapSettings {
  /** How far ahead of the clock an event's time may lie, milliseconds. */
  readonly futureMsMax: number;
}

/** A decoded event to its mutations. Throws `BadDataError` naming the path of what cannot be mapped. */
export type MapEvent = (event: unknown, nowMs: number) => MappedEvent;

/** Null for an optional node that the event does not name. */
type Nodes = readonly (NodeRef | null)[];
type ReadProperties = Read<readonly Property[]>;

const noProperties: readonly Property[] = [];
const noLinks: readonly StepLink[] = [];

/** The compiler's back half: a plan to plain closures, in the order nodes, edges, step. */
export function compileMap(plan: MappingPlan, settings: MapSettings): MapEvent {
  const readTime = compileTime(plan.time, settings.futureMsMax);
  const readEventId = plan.eventId === null ? null : compileId(plan.eventId);
  const readNodes = plan.nodes.map(compileNode);
  const writeNodes = plan.nodes.flatMap((node, index) => compileNodeMutation(node, index, plan));
  const writeEdges = plan.edges.map(compileEdge);
  const writeStep = plan.step === null ? null : compileStep(plan.step, plan);
  return (event, nowMs) => {
    const timeMs = readTime(event, nowMs);
    const eventId = readEventId === null ? null : readEventId(event);
    const nodes = readNodes.map((read) => read(event));
    const mutations: Mutation[] = [];
    for (const write of writeNodes) write(event, nodes, mutations);
    for (const write of writeEdges) write(event, nodes, mutations);
    if (writeStep !== null) writeStep(event, nodes, mutations);
    return { timeMs, eventId, mutations };
  };
}

type Write = (event: unknown, nodes: Nodes, mutations: Mutation[]) => void;

function compileNode(node: NodePlan): Read<NodeRef | null> {
  const { type, optional } = node;
  const readId = compileId(node.id);
  return (event) => {
    const id = readId(event);
    if (id !== null) return { type, id };
    if (optional) return null;
    const { path } = node.id;
    throw new BadDataError(
      'NODE_ID_MISSING',
      `\`${path}\` is null, but the ${type} it names is not optional.`,
      {
        context: { path },
      },
    );
  };
}

function compileProperties(properties: readonly PropertyRead[]): ReadProperties {
  if (properties.length === 0) return () => noProperties;
  const reads = properties
    .map(({ name, field }) => ({ name, read: compileValue(field) }))
    // In the store's order, so that it need not sort each event's.
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return (event) => reads.map(({ name, read }) => [name, read(event)]);
}

/** Nothing for a node that other mutations of the same event always imply. */
function compileNodeMutation(plan: NodePlan, index: number, mapping: MappingPlan): Write[] {
  if (plan.op === 'delete') {
    return [
      (_event, nodes, mutations) => {
        const node = nodes[index];
        if (node) mutations.push({ kind: 'node-delete', node });
      },
    ];
  }
  if (plan.properties.length === 0 && plan.implied) return [];
  const readProperties = compileProperties(plan.properties);
  const edges = plan.properties.length === 0 ? mapping.edges.filter((edge) => touches(edge, index)) : [];
  return [
    (event, nodes, mutations) => {
      const node = nodes[index];
      if (!node || edges.some((edge) => nodes[edge.from] && nodes[edge.to])) return;
      mutations.push({ kind: 'node', node, properties: readProperties(event) });
    },
  ];
}

function touches(edge: EdgePlan, index: number): boolean {
  return edge.op === 'upsert' && (edge.from === index || edge.to === index);
}

function compileEdge(plan: EdgePlan): Write {
  const { type, op } = plan;
  const readProperties = compileProperties(plan.properties);
  return (event, nodes, mutations) => {
    const from = nodes[plan.from];
    const to = nodes[plan.to];
    if (!from || !to) return;
    if (op === 'delete') mutations.push({ kind: 'edge-delete', type, from, to });
    else mutations.push({ kind: 'edge', type, from, to, properties: readProperties(event) });
  };
}

function compileStep(plan: StepPlan, mapping: MappingPlan): Write {
  const { domain } = mapping;
  const { action } = plan;
  const readProperties = compileProperties(plan.properties);
  const linked = mapping.edges
    .filter((edge) => touches(edge, plan.owner))
    .map((edge) => ({
      edge: edge.type,
      direction: edge.from === plan.owner ? ('out' as const) : ('in' as const),
      other: edge.from === plan.owner ? edge.to : edge.from,
    }));
  return (event, nodes, mutations) => {
    const owner = nodes[plan.owner];
    if (!owner) return;
    const links = linked.length === 0 ? noLinks : linksOf(linked, nodes);
    mutations.push({ kind: 'step', owner, domain, action, links, properties: readProperties(event) });
  };
}

interface Linked {
  readonly edge: string;
  readonly direction: 'out' | 'in';
  /** Position of the other node. */
  readonly other: number;
}

function linksOf(linked: readonly Linked[], nodes: Nodes): readonly StepLink[] {
  const links: StepLink[] = [];
  for (const { edge, direction, other } of linked) {
    const node = nodes[other];
    if (node) links.push({ edge, direction, node });
  }
  return links;
}
