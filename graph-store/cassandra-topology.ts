import type { Clock, Log } from '../foundation/index.ts';
import type { CassandraSettings } from './cassandra-settings.ts';
import type { ClusterState } from './graph-reader.ts';

/** Of a node that goes and comes there is one sentence in so long. */
const saidAgainMs = 60_000;

/** What is looked at of a node of the database. */
export interface ClusterNode {
  readonly address: string;
  readonly datacenter: string;
  isUp(): boolean;
}

/** What of the driver's client is looked at. */
export interface ClusterClient {
  readonly hosts: { values(): readonly ClusterNode[] };
  /** Null or undefined while it knows no tokens. */
  getReplicas(keyspace: string, key: Buffer): readonly ClusterNode[] | null | undefined;
  on(event: string, listener: (node: ClusterNode) => void): unknown;
  removeListener(event: string, listener: (node: ClusterNode) => void): unknown;
}

interface Told {
  /** Added while we looked, and never up yet. */
  isNew: boolean;
  isUp: boolean;
  isWaiting: boolean;
}

/** The nodes of the cluster as the driver knows them: which are up, and which hold what. */
export class CassandraTopology {
  readonly #client: ClusterClient;
  readonly #settings: Pick<CassandraSettings, 'keyspace' | 'dataCenter'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #closing = new AbortController();
  /** By address. */
  readonly #told = new Map<string, Told>();
  readonly #arriving = new Set<string>();
  /** The driver keeps one list for all keys of a range until the ring changes. */
  readonly #names = new WeakMap<readonly ClusterNode[], string>();
  #copies = 0;
  /** Null: to be looked at. A node that was just added may be told before its data center is. */
  #isOnePlace: boolean | null = true;

  constructor(
    client: ClusterClient,
    settings: Pick<CassandraSettings, 'keyspace' | 'dataCenter'>,
    clock: Clock,
    log: Log,
  ) {
    this.#client = client;
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    client.on('hostAdd', this.#arrived);
    client.on('hostRemove', this.#removed);
    client.on('hostUp', this.#turned);
    client.on('hostDown', this.#turned);
  }

  state(): ClusterState {
    const nodes = this.#own();
    return {
      nodes: nodes.length,
      nodesUp: nodes.filter((node) => node.isUp()).length,
      copies: this.#copies,
    };
  }

  nodesInDataCenter(): number {
    return this.#own().length;
  }

  /** Once the keyspace is known. */
  learnCopies(copies: number): void {
    this.#copies = copies;
    this.#isOnePlace = null;
  }

  /**
   * Which nodes hold a partition, as a name that is the same for partitions of the same nodes, whichever comes first in the ring. Where every node of the data center holds
   * everything there is one place, and nothing is computed.
   */
  placeOf(routingKey: Buffer | Buffer[]): string {
    this.#isOnePlace ??= this.nodesInDataCenter() <= this.#copies;
    if (this.#isOnePlace) return '';
    const key = Array.isArray(routingKey) ? compositeKey(routingKey) : routingKey;
    const replicas = this.#client.getReplicas(this.#settings.keyspace, key) ?? null;
    if (replicas === null) return '';
    const known = this.#names.get(replicas);
    if (known !== undefined) return known;
    const name = replicas
      .map(({ address }) => address)
      .sort()
      .join(' ');
    this.#names.set(replicas, name);
    return name;
  }

  /** Before the driver is: nodes that are let go of did not go down. */
  close(): void {
    this.#closing.abort();
    this.#client.removeListener('hostAdd', this.#arrived);
    this.#client.removeListener('hostRemove', this.#removed);
    this.#client.removeListener('hostUp', this.#turned);
    this.#client.removeListener('hostDown', this.#turned);
  }

  readonly #moved = (): void => {
    if (this.#copies > 0) this.#isOnePlace = null;
  };

  /** One that is added later begins as down, in the same turn: nothing went down then. */
  readonly #arrived = ({ address }: ClusterNode): void => {
    this.#arriving.add(address);
    queueMicrotask(() => this.#arriving.delete(address));
    this.#moved();
  };

  readonly #removed = ({ address }: ClusterNode): void => {
    this.#told.delete(address);
    this.#moved();
  };

  readonly #turned = (node: ClusterNode): void => {
    if (node.datacenter !== this.#settings.dataCenter) return;
    const isNew = this.#arriving.has(node.address);
    const told = this.#told.get(node.address) ?? { isNew, isUp: !isNew, isWaiting: false };
    this.#told.set(node.address, told);
    if (!told.isWaiting) void this.#tell(node, told);
  };

  /** The last thing that is said of a node is how it is, also when it turned while nothing was said. Never rejects. */
  async #tell(node: ClusterNode, told: Told): Promise<void> {
    told.isWaiting = true;
    while (this.#isWatched(node, told) && node.isUp() !== told.isUp) {
      told.isUp = node.isUp();
      const fields = { node: node.address, ...this.state() };
      if (told.isUp && told.isNew) this.#log.info(fields, 'A node of Cassandra was added.');
      else if (told.isUp) this.#log.info(fields, 'A node of Cassandra that was down is back.');
      else this.#log.warn(fields, 'A node of Cassandra is down; the others are asked in its place.');
      told.isNew = false;
      await this.#clock.sleep(saidAgainMs, this.#closing.signal);
    }
    told.isWaiting = false;
  }

  #isWatched({ address }: ClusterNode, told: Told): boolean {
    return !this.#closing.signal.aborted && this.#told.get(address) === told;
  }

  #own(): readonly ClusterNode[] {
    return this.#client.hosts.values().filter(({ datacenter }) => datacenter === this.#settings.dataCenter);
  }
}

/** As Cassandra joins the parts of a partition's key: each with its length in front and a zero behind. */
export function compositeKey(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(part.length);
      return [length, part, Buffer.of(0)];
    }),
  );
}
