import cassandra from 'cassandra-driver';
import type { CassandraConsistency } from './cassandra-settings.ts';

const { consistencies } = cassandra.types;

export const consistencyOf: Readonly<Record<CassandraConsistency, cassandra.types.consistencies>> = {
  one: consistencies.one,
  'local-one': consistencies.localOne,
  'local-quorum': consistencies.localQuorum,
  quorum: consistencies.quorum,
  'each-quorum': consistencies.eachQuorum,
};

/** Epochs are given out once over all data centers where writes are acknowledged over all of them, and once in each elsewhere. */
export function serialConsistencyOf(consistency: CassandraConsistency): cassandra.types.consistencies {
  return consistency === 'quorum' || consistency === 'each-quorum'
    ? consistencies.serial
    : consistencies.localSerial;
}

type Node = Pick<cassandra.Host, 'datacenter' | 'hostId' | 'isUp'>;

/**
 * Of the nodes that are up, the one that makes keyspace and tables: the same for every process that sees the same nodes. A node does one such statement after the
 * other, so \`IF NOT EXISTS\` holds; two nodes at once give one table two ids, and what was written under one of them is lost later. Ids of our own
 * choice would do as well, but a graph that is dropped and made anew would then have the old one's, and a node that was away bring its rows back.
 */
export function schemaNode<T extends Node>(nodes: readonly T[], dataCenter: string): T | null {
  const able = nodes.filter(({ datacenter }) => datacenter === dataCenter).filter((node) => node.isUp());
  const idOf = ({ hostId }: Node): string => String(hostId);
  return able.reduce<T | null>(
    (least, node) => (least === null || idOf(node) < idOf(least) ? node : least),
    null,
  );
}

export interface NodeBehind {
  readonly address: string;
  readonly dataCenter: string;
}

/** What a node tells of another one. */
export interface Peer extends NodeBehind {
  readonly hostId: string;
  /** Null while it has told of none. */
  readonly schemaVersion: string | null;
}

/**
 * Who has come to another schema than `version`. A node that is known to be down counts as none: it takes the schema over when it is back. Of another data center the driver knows
 * that only of nodes that went down while it was connected. The others are waited for: behind a cut between data centers, their processes may be making tables as well.
 */
export function peersBehind(
  version: string,
  peers: readonly Peer[],
  nodes: readonly Pick<Node, 'hostId' | 'isUp'>[],
): readonly NodeBehind[] {
  const down = new Set(nodes.filter((node) => !node.isUp()).map(({ hostId }) => String(hostId)));
  return peers
    .filter(({ schemaVersion }) => schemaVersion !== null && schemaVersion !== version)
    .filter(({ hostId }) => !down.has(hostId))
    .map(({ address, dataCenter }) => ({ address, dataCenter }));
}
