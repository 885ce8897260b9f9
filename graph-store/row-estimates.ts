import { ByteReader, decodeStepValue } from './codec.ts';
import type { GraphKey } from './graph-key.ts';
import { HyperLogLog, mixHashes } from './hyperloglog.ts';
import type { NodeRef } from './model.ts';
import { fnv1a, hashNodeName } from './node-hash.ts';
import { nodeName } from './rows.ts';

/** Nodes and edges counted from rows as the writer counts them from batches: both come to the same registers. */
export class RowEstimates {
  readonly nodes = new HyperLogLog();
  readonly edges = new HyperLogLog();
  /** Rows of one node follow each other. */
  #last: { readonly type: string; readonly id: string; readonly hash: number } | null = null;

  add(key: GraphKey, value: Buffer): void {
    const hash = this.#ownerHash(key.node);
    switch (key.kind) {
      case 'node':
      case 'tombstone':
        return;
      case 'step': {
        const reader = new ByteReader(value);
        reader.at += 1 + reader.bytes.readUInt8(0);
        for (const { node } of decodeStepValue(reader).links) this.#mentioned(node);
        return;
      }
      case 'edge-tombstone':
        this.#mentioned(key.other);
        return;
      default: {
        const ends = mixHashes(hash, this.#mentioned(key.other));
        this.edges.add(mixHashes(ends, edgeNameHash(key.type, key.key)));
      }
    }
  }

  #ownerHash(node: NodeRef): number {
    const last = this.#last;
    if (last !== null && last.id === node.id && last.type === node.type) return last.hash;
    const hash = this.#mentioned(node);
    this.#last = { ...node, hash };
    return hash;
  }

  #mentioned(node: NodeRef): number {
    const name = nodeName(node);
    const hash = hashNodeName(name, 0, name.length);
    this.nodes.add(hash);
    return hash;
  }
}

/** Of type and key as a packed batch has them: each behind its length. */
function edgeNameHash(type: string, key: string | null): number {
  const keyBytes = Buffer.from(key ?? '');
  const bytes = Buffer.concat([
    Buffer.of(type.length),
    Buffer.from(type),
    Buffer.of(keyBytes.length),
    keyBytes,
  ]);
  return fnv1a(bytes, 0, bytes.length);
}
