import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { unreachable } from '../foundation/index.ts';
import type { NodeRef } from '../graph-store/index.ts';

/** What the latest event said; several values where events of the same time disagree. */
export interface ExpectedRegister {
  readonly timeMs: number;
  readonly anyOf: readonly (string | boolean | null)[];
}

export interface ExpectedNode extends NodeRef {
  readonly row: 'node';
  readonly properties: Readonly<Record<string, ExpectedRegister>>;
}

export interface ExpectedEdge {
  readonly row: 'edge';
  readonly type: string;
  readonly from: NodeRef;
  readonly to: NodeRef;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly count: number;
  readonly properties: Readonly<Record<string, ExpectedRegister>>;
}

export interface ExpectedStep {
  readonly timeMs: number;
  readonly domain: string;
  readonly action: string;
  readonly links: readonly {
    readonly edge: string;
    readonly direction: 'out' | 'in';
    readonly type: string;
    readonly id: string;
  }[];
  readonly properties: Readonly<Record<string, string | boolean>>;
}

export interface ExpectedJourney extends NodeRef {
  readonly row: 'journey';
  /** By time; steps of the same time in no particular order. */
  readonly steps: readonly ExpectedStep[];
}

export interface ExpectedFates {
  readonly row: 'fates';
  readonly topic: string;
  readonly partition: number;
  readonly consumed: number;
  /** Applied or superseded: which of the two depends on where a coalescing window ended. */
  readonly landed: number;
  readonly filtered: number;
  readonly deadLettered: number;
  /** Different events: at least so many were applied. */
  readonly distinct: number;
}

/** A record that has to be in the dead letters; bytes in base64. */
export interface ExpectedBad {
  readonly row: 'bad';
  readonly why: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

type ExpectedRow = ExpectedNode | ExpectedEdge | ExpectedJourney | ExpectedFates | ExpectedBad;

export interface Oracle {
  readonly nodes: readonly ExpectedNode[];
  readonly edges: readonly ExpectedEdge[];
  readonly journeys: readonly ExpectedJourney[];
  readonly fates: readonly ExpectedFates[];
  readonly bad: readonly ExpectedBad[];
}

/** Reads what `test/python/producer.py` wrote. */
export async function readOracle(file: string): Promise<Oracle> {
  const nodes: ExpectedNode[] = [];
  const edges: ExpectedEdge[] = [];
  const journeys: ExpectedJourney[] = [];
  const fates: ExpectedFates[] = [];
  const bad: ExpectedBad[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const row: ExpectedRow = JSON.parse(line);
    switch (row.row) {
      case 'node':
        nodes.push(row);
        break;
      case 'edge':
        edges.push(row);
        break;
      case 'journey':
        journeys.push(row);
        break;
      case 'fates':
        fates.push(row);
        break;
      case 'bad':
        bad.push(row);
        break;
      default:
        unreachable(row);
    }
  }
  return { nodes, edges, journeys, fates, bad };
}
