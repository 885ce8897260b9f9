import { describe, expect, it } from 'vitest';
import { defaultCassandraSettings } from './cassandra-settings.ts';
import { tableDefinitions } from './cassandra-tables.ts';

const settings = { ...defaultCassandraSettings, contactPoints: ['a:1'], dataCenter: 'dc1' };

/** By table: the class of its compaction, its time to live and how long its deletes are remembered. */
function optionsOf(
  tables: Partial<typeof settings.tables> | Readonly<Record<string, string | number>>,
): Record<string, readonly [string, number, number]> {
  const definitions = tableDefinitions({ ...settings, tables: { ...settings.tables, ...tables } });
  return Object.fromEntries(
    definitions.map((text) => {
      const [, name = ''] = /journey_graph\.(\w+)/.exec(text) ?? [];
      const [, compaction = ''] = /'class': '(\w+)'/.exec(text) ?? [];
      const numberOf = (option: string): number =>
        Number(new RegExp(`${option} = (\\d+)`).exec(text)?.[1] ?? Number.NaN);
      return [name, [compaction, numberOf('default_time_to_live'), numberOf('gc_grace_seconds')] as const];
    }),
  );
}

describe('The definitions of tables', () => {
  it('have compaction, time to live and the memory of deletes as the settings of each say', () => {
    const options = optionsOf({
      edgeCompaction: 'time-window',
      stepCompaction: 'leveled',
      nodeCompaction: 'size-tiered',
      edgeTtlSeconds: 3_600,
      stepTtlSeconds: 60,
      gcGraceSeconds: 7_200,
    });
    expect(options.edges_out).toEqual(['TimeWindowCompactionStrategy', 3_600, 7_200]);
    expect(options.edges_in).toEqual(['TimeWindowCompactionStrategy', 3_600, 7_200]);
    expect(options.steps).toEqual(['LeveledCompactionStrategy', 60, 7_200]);
    expect(options.nodes).toEqual(['SizeTieredCompactionStrategy', 0, 7_200]);
  });

  it('let nothing go by itself that is no step and no edge', () => {
    const { steps, edges_out, edges_in, ...others } = optionsOf({ edgeTtlSeconds: 9, stepTtlSeconds: 9 });
    expect([steps?.[1], edges_out?.[1], edges_in?.[1]]).toEqual([9, 9, 9]);
    expect(Object.keys(others).sort()).toEqual(
      ['buckets', 'claims', 'edge_tombstones', 'marks', 'nodes', 'origins', 'positions'].sort(),
    );
    for (const [, ttlSeconds] of Object.values(others)) expect(ttlSeconds).toBe(0);
  });

  it('are of unified compaction and without time to live where nothing is set', () => {
    for (const one of Object.values(optionsOf({})))
      expect(one).toEqual(['UnifiedCompactionStrategy', 0, 864_000]);
  });
});
