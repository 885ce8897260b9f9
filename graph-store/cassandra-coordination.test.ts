import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { peersBehind, schemaNode, serialConsistencyOf } from './cassandra-coordination.ts';

const { consistencies, Uuid } = cassandra.types;
const node = (id: number, datacenter: string, up: boolean) => ({
  hostId: Uuid.fromString(`00000000-0000-4000-8000-00000000000${id}`),
  datacenter,
  isUp: () => up,
});

describe('The node that makes tables', () => {
  const nodes = [node(3, 'dc1', true), node(2, 'dc1', true), node(1, 'dc2', true), node(0, 'dc1', false)];
  it('is the same one for all processes of a data center, in whatever order they know the nodes', () => {
    expect(schemaNode(nodes, 'dc1')).toBe(nodes[1]);
    expect(schemaNode([...nodes].reverse(), 'dc1')).toBe(nodes[1]);
  });
  it('is nobody in particular where none of the data center is up', () => {
    expect(schemaNode(nodes, 'dc3')).toBeNull();
    expect(schemaNode([node(0, 'dc1', false)], 'dc1')).toBeNull();
  });
});

describe('Nodes that are behind with the schema', () => {
  const [up, down] = [node(1, 'dc1', true), node(2, 'dc2', false)];
  const told = (address: string, hostId: unknown, schemaVersion: string | null, dataCenter = 'dc1') => ({
    address,
    dataCenter,
    hostId: String(hostId),
    schemaVersion,
  });
  it('are those of all data centers that came to another one, known to the driver or not', () => {
    const peers = [told('a', up.hostId, 'old'), told('b', node(3, 'dc2', true).hostId, 'old', 'dc2')];
    expect(peersBehind('new', peers, [up, down])).toEqual([
      { address: 'a', dataCenter: 'dc1' },
      { address: 'b', dataCenter: 'dc2' },
    ]);
    expect(peersBehind('old', peers, [up, down])).toEqual([]);
  });
  it('are none that are down, and none that have told of no schema yet', () => {
    const peers = [told('a', up.hostId, null), told('b', down.hostId, 'old')];
    expect(peersBehind('new', peers, [up, down])).toEqual([]);
  });
});

describe('A lightweight transaction', () => {
  it.each([
    ['one', consistencies.localSerial],
    ['local-one', consistencies.localSerial],
    ['local-quorum', consistencies.localSerial],
    ['quorum', consistencies.serial],
    ['each-quorum', consistencies.serial],
  ] as const)('is decided where writes are acknowledged: %s', (consistency, serial) => {
    expect(serialConsistencyOf(consistency)).toBe(serial);
  });
});
