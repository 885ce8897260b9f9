import { type CassandraNode, prepareCassandra, seesAllCopies } from './cassandra.ts';
import { freePorts } from './free-port.ts';
import type { JavaTools } from './java-tools.ts';
import { waitUntil } from './wait-until.ts';

/** Loopback addresses: Linux has all of 127.0.0.0/8; elsewhere the second and third have to be made first. */
const addresses = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
/** Three of them fit beside other things on a machine of 8 GB. */
const heapMiB = 512;
const joinedWithinMs = 180_000;

/** Nodes that each hold a copy of everything that has three copies. */
export interface CassandraCluster {
  readonly nodes: readonly CassandraNode[];
  readonly contactPoints: readonly string[];
  /** Resolves when each node sees all others. */
  whole(): Promise<void>;
  /** Kills them and removes their data. */
  dispose(): Promise<void>;
}

/**
 * Three nodes on this machine, empty, started one after the other: a node chooses its part of the ring by what it hears of those before.
 *
 * @throws {ServiceError} when they cannot be downloaded or do not come up.
 */
export async function startCassandraCluster(
  tools: JavaTools,
  cacheDirectory: string,
): Promise<CassandraCluster> {
  const [nativePort = 0, storagePort = 0] = await freePorts(2);
  const nodes: CassandraNode[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.dispose()));
  };
  const whole = async (): Promise<void> => {
    for (const { contactPoint } of nodes)
      await waitUntil(`${contactPoint} sees all nodes`, () => seesAllCopies(contactPoint), joinedWithinMs);
  };
  try {
    for (const address of addresses) {
      const place = { address, nativePort, storagePort, seeds: addresses, secured: false };
      const node = await prepareCassandra(tools, cacheDirectory, place, heapMiB);
      nodes.push(node);
      await node.start();
    }
    await whole();
  } catch (error) {
    await dispose();
    throw error;
  }
  return { nodes, contactPoints: nodes.map(({ contactPoint }) => contactPoint), whole, dispose };
}
