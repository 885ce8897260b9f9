import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Clock, type Log, silentLog } from '../foundation/index.ts';
import {
  CassandraTopology,
  type ClusterClient,
  type ClusterNode,
  compositeKey,
} from './cassandra-topology.ts';

class FakeNode implements ClusterNode {
  readonly address: string;
  readonly datacenter: string;
  up = true;

  constructor(address: string, datacenter = 'dc1') {
    this.address = address;
    this.datacenter = datacenter;
  }

  isUp(): boolean {
    return this.up;
  }
}

/** A ring of as many ranges as there are nodes; a key's first byte is its range. */
class FakeClient extends EventEmitter implements ClusterClient {
  nodes: FakeNode[];
  copies: number;
  asked: Buffer[] = [];
  readonly hosts = { values: () => this.nodes };

  constructor(nodes: FakeNode[], copies: number) {
    super();
    this.nodes = nodes;
    this.copies = copies;
  }

  getReplicas(_keyspace: string, key: Buffer): readonly ClusterNode[] {
    this.asked.push(key);
    const first = (key[0] ?? 0) % this.nodes.length;
    return [...this.nodes.slice(first), ...this.nodes.slice(0, first)].slice(0, this.copies);
  }

  turn(node: FakeNode, up: boolean): void {
    node.up = up;
    this.emit(up ? 'hostUp' : 'hostDown', node);
  }
}

/** Time goes on when the test says so. */
class ClockInHand implements Clock {
  readonly slept: number[] = [];
  #wakes: (() => void)[] = [];

  now(): number {
    return 0;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(delayMs);
    return new Promise((resolve) => {
      this.#wakes.push(resolve);
      signal?.addEventListener('abort', () => resolve());
    });
  }

  async wake(): Promise<void> {
    for (const wake of this.#wakes.splice(0)) wake();
    await new Promise(setImmediate);
  }
}

function loggedOf(): { readonly lines: string[]; readonly log: Log } {
  const lines: string[] = [];
  const line = (level: string) => (fields: object, message: string) => {
    const { node, nodesUp, nodes } = { node: '', nodesUp: 0, nodes: 0, ...fields };
    lines.push(`${level} ${node} ${nodesUp}/${nodes} ${message}`);
  };
  return { lines, log: { ...silentLog, info: line('info'), warn: line('warn') } };
}

const settings = { keyspace: 'k', dataCenter: 'dc1' };
const three = (): FakeNode[] => ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((one) => new FakeNode(one));
const key = (range: number): Buffer => Buffer.of(range);

describe('The place of a partition', () => {
  const topologyOf = (client: FakeClient): CassandraTopology => {
    const topology = new CassandraTopology(client, settings, new ClockInHand(), silentLog);
    topology.learnCopies(client.copies);
    return topology;
  };

  it('is its nodes, whichever of them comes first', () => {
    const topology = topologyOf(new FakeClient(three().slice(0, 3), 2));
    const places = [0, 1, 2].map((range) => topology.placeOf(key(range)));
    expect(places).toEqual(['10.0.0.1 10.0.0.2', '10.0.0.2 10.0.0.3', '10.0.0.1 10.0.0.3']);
    const pair = new FakeClient([...three(), new FakeNode('10.0.0.4')], 3);
    const named = topologyOf(pair);
    pair.getReplicas = (_, [range]) => (range === 0 ? pair.nodes : [...pair.nodes].reverse());
    expect(named.placeOf(key(0))).toBe(named.placeOf(key(1)));
  });

  it('is one where every node of the data center holds everything, and then nobody is asked', () => {
    const client = new FakeClient([...three(), new FakeNode('10.1.0.1', 'dc2')], 3);
    expect(topologyOf(client).placeOf(key(1))).toBe('');
    expect(client.asked).toEqual([]);
  });

  it('is looked at again when nodes come and go', () => {
    const client = new FakeClient(three(), 3);
    const topology = topologyOf(client);
    expect(topology.placeOf(key(0))).toBe('');
    const fourth = new FakeNode('10.0.0.4');
    client.nodes = [...client.nodes, fourth];
    client.emit('hostAdd', fourth);
    expect(topology.placeOf(key(1))).toBe('10.0.0.2 10.0.0.3 10.0.0.4');
    client.nodes = client.nodes.slice(0, 3);
    client.emit('hostRemove', fourth);
    expect(topology.placeOf(key(1))).toBe('');
  });

  it('is asked for by the whole key, as Cassandra joins its parts', () => {
    const client = new FakeClient(three(), 1);
    topologyOf(client).placeOf([Buffer.from('ab'), Buffer.of(), Buffer.from('c')]);
    expect(client.asked).toEqual([Buffer.from('\0\x02ab\0\0\0\0\0\x01c\0')]);
    expect(compositeKey([Buffer.alloc(300)]).subarray(0, 2)).toEqual(Buffer.of(1, 44));
  });
});

describe('The nodes of the data center', () => {
  it('are counted, and which of them are up', () => {
    const client = new FakeClient([...three(), new FakeNode('10.1.0.1', 'dc2')], 3);
    const topology = new CassandraTopology(client, settings, new ClockInHand(), silentLog);
    topology.learnCopies(2);
    const [first] = client.nodes;
    if (first !== undefined) first.up = false;
    expect(topology.state()).toEqual({ nodes: 3, nodesUp: 2, copies: 2 });
  });

  it('have a sentence when one goes down and when it is back, and none of other data centers', async () => {
    const elsewhere = new FakeNode('10.1.0.1', 'dc2');
    const client = new FakeClient([...three(), elsewhere], 3);
    const [node] = client.nodes;
    if (node === undefined) throw new Error('there are three');
    const { lines, log } = loggedOf();
    const clock = new ClockInHand();
    const topology = new CassandraTopology(client, settings, clock, log);
    client.turn(elsewhere, false);
    client.turn(node, false);
    await clock.wake();
    client.turn(node, true);
    expect(lines).toEqual([
      'warn 10.0.0.1 2/3 A node of Cassandra is down; the others are asked in its place.',
      'info 10.0.0.1 3/3 A node of Cassandra that was down is back.',
    ]);
    topology.close();
  });

  it('have a sentence when one is added, which begins as down and did not go down', async () => {
    const client = new FakeClient(three(), 3);
    const { lines, log } = loggedOf();
    const clock = new ClockInHand();
    const topology = new CassandraTopology(client, settings, clock, log);
    const fourth = new FakeNode('10.0.0.4');
    client.nodes = [...client.nodes, fourth];
    client.emit('hostAdd', fourth);
    client.turn(fourth, false);
    await new Promise(setImmediate);
    client.turn(fourth, true);
    expect(lines).toEqual([]);
    await clock.wake();
    expect(lines).toEqual(['info 10.0.0.4 4/4 A node of Cassandra was added.']);
    client.turn(fourth, false);
    await clock.wake();
    client.turn(fourth, true);
    await clock.wake();
    expect(lines.slice(1)).toEqual([
      'warn 10.0.0.4 3/4 A node of Cassandra is down; the others are asked in its place.',
      'info 10.0.0.4 4/4 A node of Cassandra that was down is back.',
    ]);
    topology.close();
  });

  it('have a sentence when one is added that is still down a minute later', async () => {
    const client = new FakeClient(three(), 3);
    const { lines, log } = loggedOf();
    const clock = new ClockInHand();
    const topology = new CassandraTopology(client, settings, clock, log);
    const fourth = new FakeNode('10.0.0.4');
    client.nodes = [...client.nodes, fourth];
    client.emit('hostAdd', fourth);
    client.turn(fourth, false);
    await clock.wake();
    expect(lines).toEqual(['warn 10.0.0.4 3/4 A node of Cassandra was added, and is down.']);
    topology.close();
  });

  it('are back when the driver puts another in the place of one that was down, and says nothing of it', async () => {
    const [node, ...others] = three();
    if (node === undefined) throw new Error('there are three');
    const client = new FakeClient([node, ...others], 3);
    const { lines, log } = loggedOf();
    const clock = new ClockInHand();
    const topology = new CassandraTopology(client, settings, clock, log);
    client.turn(node, false);
    const again = new FakeNode(node.address);
    client.nodes = [again, ...others];
    client.emit('hostRemove', node);
    client.emit('hostAdd', again);
    await clock.wake();
    await clock.wake();
    expect(lines.slice(1)).toEqual(['info 10.0.0.1 3/3 A node of Cassandra that was down is back.']);
    client.turn(again, false);
    await clock.wake();
    expect(lines).toHaveLength(3);
    topology.close();
  });

  it('have one sentence a node and minute at most, and the last one is how it is', async () => {
    const client = new FakeClient(three(), 3);
    const [node, other] = client.nodes;
    if (node === undefined || other === undefined) throw new Error('there are three');
    const { lines, log } = loggedOf();
    const clock = new ClockInHand();
    const topology = new CassandraTopology(client, settings, clock, log);
    for (const up of [false, true, false, true]) client.turn(node, up);
    client.turn(other, false);
    expect(lines).toHaveLength(2);
    expect(clock.slept).toEqual([60_000, 60_000]);
    await clock.wake();
    expect(lines.slice(2)).toEqual(['info 10.0.0.1 2/3 A node of Cassandra that was down is back.']);
    topology.close();
  });

  it('are no longer spoken of once the connection is closed', async () => {
    const client = new FakeClient(three(), 3);
    const [node] = client.nodes;
    if (node === undefined) throw new Error('there are three');
    const { lines, log } = loggedOf();
    const topology = new CassandraTopology(client, settings, new ClockInHand(), log);
    client.turn(node, false);
    topology.close();
    client.turn(node, true);
    await new Promise(setImmediate);
    expect(lines).toHaveLength(1);
    expect(client.eventNames()).toEqual([]);
  });
});
