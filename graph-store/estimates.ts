import { HyperLogLog, mixHashes } from './hyperloglog.ts';

/** Sketches of the distinct nodes and edges that a partition ever mentioned, as the stores on a database server keep them. */
export class Estimates {
  readonly nodes: HyperLogLog;
  readonly edges: HyperLogLog;
  /** Since they were written last. */
  changed = false;

  constructor(nodes: HyperLogLog = new HyperLogLog(), edges: HyperLogLog = new HyperLogLog()) {
    this.nodes = nodes;
    this.edges = edges;
  }

  addNode(hash: number): void {
    if (this.nodes.add(hash)) this.changed = true;
  }

  /** `name` is the hash of its type and key, the others those of its ends. */
  addEdge(from: number, to: number, name: number): void {
    if (this.edges.add(mixHashes(mixHashes(from, to), name))) this.changed = true;
  }
}

/** Of registers as they are stored; null where none are. */
export function storedSketch(registers: Buffer | null): HyperLogLog {
  return registers === null ? new HyperLogLog() : new HyperLogLog(Uint8Array.from(registers));
}
