import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './codec.ts';
import { edgePlace, Neo4jKeys, nativeName, quoted } from './neo4j-keys.ts';
import { checkServer } from './neo4j-schema.ts';
import * as rows from './rows.ts';

const keys = new Neo4jKeys('jg');
const type = fc.oneof(fc.constantFrom('Account', 'T', 'a:b', '~', '~41', 'x`y', 'JgNode'), fc.string({ unit: fc.integer({ min: 1, max: 127 }).map((code) => String.fromCharCode(code)), minLength: 1, maxLength: 20 })); // biome-ignore format: one row
const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => !text.includes('\0'));
const ref = fc.record({ type, id });

describe('keys in Neo4j', () => {
  it('lead back to what they stand for, whatever types, ids and keys hold', () => {
    const occurrence = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    const timeMs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(ref, ref, type, fc.record({ timeMs, occurrence }), id, (from, to, of, event, key) => {
        const nodeKey = keys.node(from);
        expect(keys.nodeOf(nodeKey)).toEqual(from);
        expect(keys.stepOf(keys.step(nodeKey, event))).toEqual({ owner: from, ...event });
        const { relation, infix } = edgePlace(of);
        const out = keys.occurrence(nodeKey, infix, rows.eventKey(event), to, key);
        const row = keys.occurrenceRow(relation, out);
        const prefix = rows.adjacencyPrefix(from, 'out', of);
        expect(row.subarray(0, prefix.length)).toEqual(prefix);
        const reader = new ByteReader(row, prefix.length);
        expect(reader.eventKey()).toEqual(event);
        expect(reader.nodeName()).toEqual(to);
        expect(row.toString('utf8', reader.at)).toBe(key);
        const tombstone = rows.edgeTombstoneKey(of, from, to, key);
        expect(keys.edgeTombstoneRow(keys.edgeTombstone(of, from, to, key))).toEqual(tombstone);
      }),
    );
  });

  it('keep different nodes apart', () => {
    fc.assert(
      fc.property(ref, ref, (a, b) => {
        expect(keys.node(a) === keys.node(b)).toBe(a.type === b.type && a.id === b.id);
      }),
    );
  });

  it.each(['Account', '_a9', 'MATCH'])('takes %s for a name in Cypher', (name) => {
    expect(nativeName(name)).toBe(name);
    expect(quoted(name)).toBe(`\`${name}\``);
  });

  it.each(['a`b', 'a b', '9a', 'é', '', 'JgNode', 'jgKey', 'a\nb'])('takes %j for none', (name) => {
    expect(nativeName(name)).toBeNull();
  });

  it('never quotes what is no name', () => {
    expect(() => quoted('a`b')).toThrow();
  });
});

describe('the server', () => {
  it.each(['Neo4j/5.7.0', 'Neo4j/5.26.0', 'Neo4j/2025.10.1', 'Neo4j/5.27-aura'])('may be %s', (agent) => {
    expect(() => checkServer(agent, 'bolt://a')).not.toThrow();
  });
  it.each([
    'Neo4j/4.4.30',
    'Neo4j/5.6.0',
    'Neo4j/v5.11.0 compatible graph database server - Memgraph',
    'FalkorDB',
    null,
  ])('may not be %s', (agent) => {
    expect(() => checkServer(agent, 'bolt://a')).toThrow(
      expect.objectContaining({ code: 'STORE_SERVER_UNSUPPORTED', reaction: 'stop' }),
    );
  });
});
