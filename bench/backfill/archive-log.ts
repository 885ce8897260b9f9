import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableNameOf } from '../../archive/index.ts';
import { must } from '../../foundation/index.ts';
import { type ProcessMemory, processMemory } from '../process-meter.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const sampleMs = 250;

export interface ArchivedLog {
  /** The table's folder. */
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of the whole command, its start included. */
  readonly seconds: number;
  readonly peak: ProcessMemory;
}

/** Archives a topic of a data folder's embedded log as its users do: `jg archive run --once`, in a process of its own. */
export async function archiveLog(data: string, topic: string): Promise<ArchivedLog> {
  const began = performance.now();
  const words = ['archive', 'run', '--once', '--data', data, '--topics', topic, '--json', '--quiet'];
  const child = spawn(process.execPath, ['--max-semi-space-size=8', main, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  let peak: ProcessMemory = { residentMiB: 0, anonymousMiB: 0 };
  const timer = setInterval(() => {
    const now = processMemory(must(child.pid, 'it runs'));
    peak = {
      residentMiB: Math.max(peak.residentMiB, now.residentMiB),
      anonymousMiB: Math.max(peak.anonymousMiB, now.anonymousMiB),
    };
  }, sampleMs);
  const [code] = await once(child, 'close');
  clearInterval(timer);
  if (code !== 0) throw new Error(`jg archive ended with ${code}`);
  const seconds = (performance.now() - began) / 1_000;
  const [archived]: readonly { readonly rows: number; readonly bytes: number }[] = JSON.parse(text);
  const { rows, bytes } = must(archived, 'one topic was archived');
  return { path: join(data, 'archive', 'journey_graph', tableNameOf(topic)), rows, bytes, seconds, peak };
}
