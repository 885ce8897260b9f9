import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pythonWithPackages } from '../../test/python/venv.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('duckdb_backfill.py', import.meta.url));
const rowsOfEvent = 5;

export interface DuckdbBackfill {
  readonly eventsPerSecond: number;
  readonly cpuMicros: number;
  readonly peakMiB: number;
}

/** DuckDB reading the same files and writing the same adjacency: sorted in one go, or by a key so that it could be applied twice. */
export async function duckdbBackfill(
  tableFolder: string,
  tempDir: string,
  way: 'bulk' | 'upsert',
  events: number,
): Promise<DuckdbBackfill> {
  const python = await pythonWithPackages();
  const files = join(tableFolder, 'data', '*', '*.parquet');
  const { stdout } = await run(python, [script, files, join(tempDir, `${way}.duckdb`), way, String(events)]);
  const answer: { seconds: number; rows: number; peakMiB: number; cpuSeconds: number } = JSON.parse(stdout);
  if (answer.rows !== events * rowsOfEvent)
    throw new Error(`DuckDB holds ${answer.rows} rows of ${events} events`);
  return {
    eventsPerSecond: events / answer.seconds,
    cpuMicros: (answer.cpuSeconds / events) * 1e6,
    peakMiB: answer.peakMiB,
  };
}
