import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { JavaTools } from '../../test/services/java-tools.ts';
import { fetchPackage } from '../../test/services/packages.ts';
import type { TimedRival } from '../rivals/grow-rival.ts';
import type { LoadPlan } from '../rivals/rival.ts';

const program = join(import.meta.dirname, 'janusgraph-load.java');

export interface JanusGraphPlace {
  readonly tools: JavaTools;
  readonly cacheDirectory: string;
  readonly contactPoint: string;
  readonly dataCenter: string;
  readonly keyspace: string;
  /** As `writeLines` writes them. */
  readonly eventsFile: string;
}

/** Whether it looks for an event's edge before it adds it: otherwise an event that comes again is there twice. */
export type JanusGraphWay = 'upsert' | 'blind';

const plans: readonly LoadPlan[] = [
  { eventsPerBatch: 1000, sessions: 2 },
  { eventsPerBatch: 1000, sessions: 4 },
  { eventsPerBatch: 1000, sessions: 8 },
  { eventsPerBatch: 5000, sessions: 2 },
  { eventsPerBatch: 5000, sessions: 4 },
];

/** JanusGraph in a Java process beside us, which has the events in memory and loads them when it is told to. */
export class JanusGraphRival {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  #loaded = 0;
  #cpuSeconds = 0;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(place: JanusGraphPlace): Promise<JanusGraphRival> {
    const { tools, cacheDirectory, contactPoint, dataCenter, keyspace, eventsFile } = place;
    const lib = await fetchPackage('janusgraph', tools, cacheDirectory);
    const [host = '', port = ''] = contactPoint.split(':');
    const args = ['-Xmx2g', '-cp', join(lib, '*'), program, host, port, dataCenter, keyspace, eventsFile];
    const rival = new JanusGraphRival(spawn(tools.java, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    await rival.#answer('ready');
    return rival;
  }

  /** Loads the events that come after those it has. */
  async loader(way: JanusGraphWay): Promise<TimedRival> {
    const before = await this.#count();
    return {
      name: `janusgraph, ${way}`,
      plans,
      load: (plan, events) => this.#load(way, plan, events),
      countEvents: async () => (await this.#count()) - before,
    };
  }

  /** Of its process, for all that it has loaded so far. */
  get cpuSeconds(): number {
    return this.#cpuSeconds;
  }

  get loaded(): number {
    return this.#loaded;
  }

  async #load(way: JanusGraphWay, plan: LoadPlan, events: number): Promise<number> {
    const { eventsPerBatch, sessions } = plan;
    this.#child.stdin.write(`load ${this.#loaded} ${events} ${eventsPerBatch} ${sessions} ${way}\n`);
    const [seconds = '', cpuSeconds = ''] = await this.#answer('loaded');
    this.#loaded += events;
    this.#cpuSeconds += Number(cpuSeconds);
    return Number(seconds);
  }

  async #count(): Promise<number> {
    this.#child.stdin.write('count\n');
    const [edges = ''] = await this.#answer('counted');
    return Number(edges);
  }

  /** It ends with its input. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }

  /** Libraries may print lines of their own in front of it. */
  async #answer(begins: string): Promise<readonly string[]> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`JanusGraph ended before it said "${begins}"`);
      const words = line.value.split(' ');
      if (words[0] === begins) return words.slice(1);
    }
  }
}
