import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import type { GraphStore, JourneyQuery } from '../graph-store/index.ts';
import { startTestApi, type TestApiOptions } from '../query-api/api-testing.ts';
import { owner, stepOf, TestProcess, turns } from '../query-api/live/live-testing.ts';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

const firstMs = Date.UTC(2026, 0, 1);
/** Of the server; long after its steps. */
const clock = { ...systemClock, now: () => Date.UTC(2026, 10, 21) };

async function follow(
  flags: readonly string[],
  use: (process: TestProcess, written: { out: string; err: string }) => Promise<void>,
  {
    steps = 3,
    limits = { lookbackMs: Number.MAX_SAFE_INTEGER },
    looked = async () => undefined,
  }: {
    readonly steps?: number;
    readonly limits?: TestApiOptions['limits'];
    /** Called before each answer of the store with a page of a journey, which does not hold what this applies. */
    readonly looked?: (look: number, process: TestProcess) => Promise<void>;
  } = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const process = new TestProcess();
  for (let id = 1; id <= steps; id += 1) await process.write([stepOf(firstMs + id * 1000, id)]);
  const reader = watched(process.memory, (look) => looked(look, process));
  const server = await startTestApi({ reader, feed: process.journal, limits, clock });
  const io = fakeIo({ clock: systemClock });
  try {
    const run = runProgram(['journey', 'Account:é', '--follow', '--url', server.url, ...flags], io);
    await until(() => io.written.err.includes('Following'));
    await use(process, io.written);
    io.stop.abort();
    return { code: await run, ...io.written };
  } finally {
    // Also where something else was expected: it would go on looking for the server.
    io.stop.abort();
    await server.close();
  }
}

function watched(store: GraphStore, looked: (look: number) => Promise<void>): GraphStore {
  let looks = 0;
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (name !== 'journey') return typeof value === 'function' ? value.bind(target) : value;
      return async (query: JourneyQuery) => {
        const page = await target.journey(query);
        looks += 1;
        await looked(looks);
        return page;
      };
    },
  });
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 10_000 && !holds(); i += 1) await turns(1);
  expect(holds()).toBe(true);
}

const newsStep = {
  kind: 'step',
  owner,
  domain: 'news',
  action: 'read',
  links: [],
  properties: [],
} as const;

describe('jg journey --follow', () => {
  it('prints the newest steps, then each as it is applied, until it is asked to end', async () => {
    const { code, out, err } = await follow(['--first', '2'], async (process, written) => {
      await process.write([stepOf(Date.UTC(2026, 0, 2), 4)]);
      await until(() => written.out.includes('n 4'));
    });
    expect(out).toBe(
      [
        '2026-01-01 00:00:02  streaming   watched           n 2',
        '2026-01-01 00:00:03  streaming   watched           n 3',
        '2026-01-02 00:00:00  streaming   watched           n 4',
        '',
      ].join('\n'),
    );
    expect([code, err]).toEqual([0, 'Following Account:é; Ctrl-C ends it.\n']);
  });

  it('begins at --since, prints one JSON object a line, and leaves other domains out', async () => {
    const flags = ['--since', '2026-01-01T00:00:02Z', '--first', '1', '--json', '--domains', 'streaming'];
    const { out } = await follow(flags, async (process, written) => {
      await process.write([stepOf(Date.UTC(2026, 0, 2), 4)]);
      await until(() => written.out.includes('"n":4'));
    });
    const steps = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(steps.map(({ properties }) => properties.n)).toEqual([2, 3, 4]);
  });

  const numbersIn = (out: string): readonly number[] =>
    [...out.matchAll(/"n":(\d+)/g)].map(([, number]) => Number(number));
  /** A subscription looks back for a day, and all steps are older. */
  const lookbackMs = 86_400_000;
  const sinceLongAgo = ['--since', '2026-01-01T00:00:00Z', '--json'];

  it('prints all since a time from before what a subscription looks back for, each once', async () => {
    const { out } = await follow(
      [...sinceLongAgo, '--first', '2'],
      async (process, written) => {
        await process.write([stepOf(firstMs + 500, 6)]);
        await until(() => written.out.includes('"n":6'));
      },
      { steps: 5, limits: { lookbackMs } },
    );
    expect(numbersIn(out)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('goes on where as many rows as may be looked at had no step of its domains', async () => {
    const news = { ...stepOf(firstMs + 9000, 9), mutations: [newsStep] };
    let out = '';
    await follow(
      [...sinceLongAgo, '--domains', 'news'],
      async (_process, written) => {
        await until(() => written.out !== '');
        out = written.out;
      },
      {
        steps: 5,
        limits: { lookbackMs, scanRowsMax: 2 },
        looked: async (look, process) => {
          if (look === 1) await process.write([news]);
        },
      },
    );
    expect(JSON.parse(out)).toMatchObject({ domain: 'news' });
  });

  it.each([1, 2, 3])(
    'prints what is first applied of a member behind its look %i into the store, before it listens',
    async (at) => {
      const { out } = await follow(
        sinceLongAgo,
        async (_process, written) => await until(() => written.out.includes('"n":1')),
        {
          steps: 0,
          limits: { lookbackMs },
          looked: async (look, process) => {
            if (look === at) await process.write([stepOf(firstMs, 1)]);
          },
        },
      );
      expect(numbersIn(out)).toEqual([1]);
    },
  );

  it('gives up on a server whose pages lead nowhere', async () => {
    const page = { edges: [], pageInfo: { hasNextPage: true, endCursor: 'here' } };
    const server = createServer((_request, response) =>
      response.end(JSON.stringify({ data: { journey: page } })),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : null;
    // Whoever sleeps has begun to listen.
    const io = fakeIo({ clock: { now: systemClock.now, sleep: async () => io.stop.abort() } });
    const words = ['journey', 'Account:a', '--follow', '--since', '2026-01-01T00:00:00Z'];
    const code = await runProgram([...words, '--url', `http://127.0.0.1:${port}`], io);
    server.close();
    expect(io.written.err).toContain('turns no page of a journey');
    expect(code).toBe(1);
  });

  it('says what it does not go with', async () => {
    const io = fakeIo();
    expect(await runProgram(['journey', 'Account:a', '--follow', '--newest'], io)).not.toBe(0);
    expect(io.written.err).toContain('--follow goes with neither --until nor --newest');
  });
});
