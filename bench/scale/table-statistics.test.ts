import { expect, it } from 'vitest';
import { statisticsOf, tableStatistics } from './table-statistics.ts';

const stats = JSON.stringify({
  total_number_of_tables: 50,
  bench: {
    write_latency_ms: 0.288,
    tables: {
      edges_in: { space_used_live: '5291', compacted_partition_maximum_bytes: 103 },
      marks: { space_used_live: '0', compacted_partition_maximum_bytes: 0 },
    },
  },
});

const table = (name: string, size: string, cells: string): string => `${name} histograms
Percentile      Read Latency     Write Latency          SSTables    Partition Size        Cell Count
                    (micros)          (micros)                             (bytes)                  
50%                     0.00              0.00              0.00               179                 8
99%                     0.00              0.00              0.00              2759               149
Min                     0.00              0.00              0.00               150                 7
Max                     0.00              0.00              0.00              ${size}               ${cells}

`;

const histograms = `${table('other/edges_in', '999999', '999999')}${table('bench/edges_in', '3311', '179')}${table('bench/marks', 'NaN', 'NaN')}`;

it('takes the largest partition of each table of the keyspace from what nodetool prints', () => {
  expect(tableStatistics('bench', stats, histograms)).toEqual([
    { table: 'edges_in', liveBytes: 5291, partitionBytesMax: 3311, partitionCellsMax: 179 },
    { table: 'marks', liveBytes: 0, partitionBytesMax: 0, partitionCellsMax: 0 },
  ]);
});

it('does not take a table for an empty one that nodetool said nothing of', () => {
  expect(() => tableStatistics('bench', stats, table('bench/marks', 'NaN', 'NaN'))).toThrow('bench.edges_in');
  expect(() => tableStatistics('none', stats, histograms)).toThrow('answered something else');
});

it('has everything written to disk and put together before it asks', async () => {
  const asked: string[] = [];
  const nodetool = async (...words: readonly string[]): Promise<string> => {
    asked.push(words.join(' '));
    if (words[0] === 'tablestats') return stats;
    return words[0] === 'tablehistograms' ? histograms : '';
  };
  await statisticsOf({ nodetool }, 'bench');
  expect(asked).toEqual(['flush bench', 'compact bench', 'tablestats -F json bench', 'tablehistograms']);
});
