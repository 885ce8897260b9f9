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
  /** The driver replaces it where it connects anew to all of them. */
  node: ClusterNode;
  /** Added while we looked: not told of yet. */
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
  /** In this turn. */
  readonly #arriving = new Set<string>();
  readonly #leaving = new Map<string, Told>();
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

  /**
   * One that is added later begins as down, in the same turn: nothing went down then. One that was removed in the same turn is the same node in the place of a broken
   * one, which begins as up and says nothing of it.
   */
  readonly #arrived = (node: ClusterNode): void => {
    const { address } = node;
    this.#moved();
    const before = this.#leaving.get(address);
    if (before === undefined) this.#arriving.add(address);
    else this.#told.set(address, before);
    queueMicrotask(() => {
      this.#arriving.delete(address);
      if (before !== undefined) this.#turned(node);
    });
  };

  readonly #removed = ({ address }: ClusterNode): void => {
    const told = this.#told.get(address);
    this.#told.delete(address);
    if (told !== undefined) this.#leaving.set(address, told);
    queueMicrotask(() => this.#leaving.delete(address));
    this.#moved();
  };

  readonly #turned = (node: ClusterNode): void => {
    if (node.datacenter !== this.#settings.dataCenter) return;
    const isNew = this.#arriving.has(node.address);
    const told = this.#told.get(node.address) ?? { node, isNew, isUp: true, isWaiting: false };
    told.node = node;
    this.#told.set(node.address, told);
    if (!told.isWaiting) void this.#tell(told);
  };

  /** The last thing that is said of a node is how it is, also when it turned while nothing was said. Never rejects. */
  async #tell(told: Told): Promise<void> {
    told.isWaiting = true;
    // So long it may take until the first connection to it.
    if (told.isNew) await this.#clock.sleep(saidAgainMs, this.#closing.signal);
    while (this.#isWatched(told) && (told.isNew || told.node.isUp() !== told.isUp)) {
      told.isUp = told.node.isUp();
      this.#say(told);
      told.isNew = false;
      await this.#clock.sleep(saidAgainMs, this.#closing.signal);
    }
    told.isWaiting = false;
  }

  #say({ node, isNew, isUp }: Told): void {
    const fields = { node: node.address, ...this.state() };
    if (isUp && isNew) this.#log.info(fields, 'A node of Cassandra was added.');
    else if (isUp) this.#log.info(fields, 'A node of Cassandra that was down is back.');
    else if (isNew) this.#log.warn(fields, 'A node of Cassandra was added, and is down.');
    else this.#log.warn(fields, 'A node of Cassandra is down; the others are asked in its place.');
  }

  #isWatched(told: Told): boolean {
    return !this.#closing.signal.aborted && this.#told.get(told.node.address) === told;
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
