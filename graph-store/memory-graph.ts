import { unreachable } from '../foundation/index.ts';
import type { Lineage, OccurrenceView, StepView } from './graph-store.ts';
import type { EdgeTombstone, MemoryNode, RestoredRow } from './memory-snapshot.ts';
import type { EventMutations, Mutation, NodeRef } from './model.ts';
import { sameRegisters } from './node-row.ts';
import { mergeRegisters, registersOf } from './register.ts';
import type { Expiry } from './time-to-live.ts';

/** What the store in memory keeps, and how a mutation or a restored row changes it. */
export class MemoryGraph {
  readonly nodes = new Map<string, MemoryNode>();
  readonly edgeTombstones = new Map<string, EdgeTombstone>();

  /** Made where it is not there yet. */
  node(ref: NodeRef): MemoryNode {
    const key = keyOf(ref);
    const known = this.nodes.get(key);
    if (known !== undefined) return known;
    const node: MemoryNode = {
      ref,
      mentionedMs: -1,
      deletedMs: -1,
      registers: [],
      lineage: null,
      steps: new Map(),
      out: new Map(),
      in: new Map(),
    };
    this.nodes.set(key, node);
    return node;
  }

  /** True when a node mutation changed its node. */
  change(event: EventMutations, mutation: Mutation, lineage: Lineage | null): boolean {
    const { timeMs, occurrence } = event;
    switch (mutation.kind) {
      case 'node': {
        const node = this.node(mutation.node);
        const { mentionedMs, registers } = node;
        const merged = mergeRegisters(registers, registersOf(mutation.properties, event));
        node.mentionedMs = Math.max(mentionedMs, timeMs);
        node.registers = merged;
        if (node.mentionedMs === mentionedMs && sameRegisters(merged, registers)) return false;
        node.lineage = lineage;
        return true;
      }
      case 'edge': {
        const { type, from, to, key = null, properties } = mutation;
        this.#putOccurrence({ type, from, to, key, timeMs, occurrence, properties, lineage });
        return false;
      }
      case 'step': {
        const { kind: _, ...step } = mutation;
        this.#putStep({ ...step, timeMs, occurrence, lineage });
        return false;
      }
      case 'node-delete': {
        const node = this.node(mutation.node);
        node.deletedMs = Math.max(node.deletedMs, timeMs);
        return false;
      }
      case 'edge-delete': {
        const { type, from, to, key = null } = mutation;
        const at = edgeKeyOf({ type, from, to, key });
        const before = this.edgeTombstones.get(at)?.timeMs ?? -1;
        this.edgeTombstones.set(at, { type, from, to, key, timeMs: Math.max(before, timeMs) });
        return false;
      }
      default:
        return unreachable(mutation);
    }
  }

  #putOccurrence(view: OccurrenceView): void {
    const at = JSON.stringify([view.timeMs, String(view.occurrence), edgeKeyOf(view)]);
    this.node(view.from).out.set(at, view);
    this.node(view.to).in.set(at, view);
  }

  #putStep(view: StepView): void {
    for (const link of view.links) this.node(link.node);
    this.node(view.owner).steps.set(`${view.timeMs} ${view.occurrence}`, view);
  }

  put(restored: RestoredRow): void {
    switch (restored.kind) {
      case 'origin':
        break;
      case 'node': {
        const { mentionedMs, registers } = restored.row;
        Object.assign(this.node(restored.node), { mentionedMs, registers, lineage: restored.lineage });
        break;
      }
      case 'tombstone':
        this.node(restored.node).deletedMs = restored.timeMs;
        break;
      case 'step':
        this.#putStep(restored.view);
        break;
      case 'occurrence':
        this.#putOccurrence(restored.view);
        break;
      case 'edge-tombstone':
        this.edgeTombstones.set(edgeKeyOf(restored.tombstone), restored.tombstone);
        break;
      default:
        unreachable(restored);
    }
  }
}

/** Up to which time an edge is hidden by its own type and those of its ends. */
export function expiredEdgeMs({ type, from, to }: Omit<EdgeTombstone, 'timeMs'>, expiry: Expiry): number {
  return Math.max(expiry.ofEdge(type), expiry.ofNode(from.type), expiry.ofNode(to.type));
}

export function keyOf(ref: NodeRef): string {
  return `${ref.type}\0${ref.id}`;
}

export function edgeKeyOf({ type, from, to, key }: Omit<EdgeTombstone, 'timeMs'>): string {
  return `${type}\0${keyOf(from)}\0${keyOf(to)}\0${key ?? ''}`;
}
