import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveServerFake } from '../device/live-server.fake.ts';
import { DeviceFiles } from '../live-events/api/device-files.ts';
import { LivePages } from '../live-events/api/live-pages.ts';

export interface PreviewTimes {
  readonly lobbyMs: number;
  readonly liveMs: number;
  readonly endedMs: number;
}

const folder = new URL('./', import.meta.url);
const audience = 48;
const kinds = ['announced', 'lobby', 'live', 'ended', 'replay'] as const;

/** The page with a scripted server in place of the product: events, prefetch, sockets and figures, as the test tells it to. */
export class LivePreview {
  readonly fake: LiveServerFake;
  readonly #pages = new LivePages(folder, []);
  readonly #device = new DeviceFiles();
  #times: PreviewTimes;
  #startMs = Date.now();
  /** Stages of this event, by their sequence from 1. */
  #published: string[] = ['announced'];
  hasCoverage = true;

  private constructor(http: Server, fake: LiveServerFake, times: PreviewTimes) {
    this.fake = fake;
    this.#times = times;
    http.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(times: PreviewTimes, port = 0): Promise<LivePreview> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    const fake = await LiveServerFake.start({ event: 'preview-1' }, http);
    return new LivePreview(http, fake, times);
  }

  get url(): string {
    return `http://127.0.0.1:${this.fake.port}/live/pages/`;
  }

  publish(stage: string): void {
    this.#published.push(stage);
    this.fake.publish({ stage });
  }

  /** The next one is announced, and its sockets are those that come for it. */
  nextEvent(number: number): void {
    this.#startMs = Date.now();
    this.#published = ['announced'];
    this.fake.applied.length = 0;
    this.fake.restart(number, {
      event: `preview-${number}`,
      stage: 'announced',
      version: 1,
      at: this.#startMs,
    });
  }

  async close(): Promise<void> {
    await this.fake.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const tag = request.headers['if-none-match'];
    const file =
      (await this.#pages.answer(url.pathname, tag)) ?? (await this.#device.answer(url.pathname, tag));
    if (file !== null) response.writeHead(file.status, file.headers).end(file.body ?? undefined);
    else if (url.pathname === '/graphql') json(response, { data: this.#data(await textOf(request)) });
    else if (url.pathname.endsWith('/prefetch'))
      json(response, this.#prefetch(url.searchParams.get('device') ?? 'tv'));
    else response.writeHead(404).end();
  }

  #data(body: string): unknown {
    const { query, variables } = JSON.parse(body);
    const { event: id, stage } = this.fake.state;
    if (query.includes('LiveEvents'))
      return {
        liveEvents: [
          { id, title: 'Harbour Lights: The Finale, Live', currentStage: { kind: stage.toUpperCase() } },
        ],
      };
    if (query.includes('Connection'))
      return { liveEvent: { connection: this.fake.grant(variables.member.replace(':', '.')) } };
    return { liveEvent: { coverages: this.hasCoverage ? this.#coverages() : null } };
  }

  #prefetch(device: string): unknown {
    const { lobbyMs, liveMs, endedMs } = this.#times;
    const starts = [0, lobbyMs, liveMs, endedMs, null];
    const nowMs = Date.now();
    return {
      version: 1,
      etag: `"1-${device}"`,
      ttlMs: 600_000,
      expiresAt: nowMs + 600_000,
      stages: kinds.map((key, index) => {
        const after = starts[index] ?? null;
        return { key, kind: key, startsAtMs: after === null ? null : this.#startMs + after };
      }),
      stageMap: Object.fromEntries(kinds.map((key) => [key, previewShows[key]])),
      quiet: { from: this.#startMs, until: this.#startMs + endedMs },
      spreadMs: 5000,
    };
  }

  #coverages(): unknown[] {
    const { event: _event, epoch } = this.fake.state;
    return this.#published
      .map((stage, index) => {
        const delays = this.fake.applied
          .filter((one) => one.epoch === epoch && one.sequence === index + 1)
          .map(({ delayMs }) => delayMs ?? 0)
          .sort((a, b) => a - b);
        const at = (share: number): number | null => delays[Math.ceil(share * delays.length) - 1] ?? null;
        const missing = [{ reason: 'NEVER_CONNECTED', count: audience - delays.length }];
        const counts = { audience, connected: 3, sent: 3, applied: delays.length };
        const times = { t50Ms: at(0.5), t99Ms: at(0.99), t100Ms: at(1) };
        return { epoch, sequence: index + 1, stage, at: this.#startMs, ...counts, ...times, missing };
      })
      .reverse();
  }
}

const common = { artwork: 'harbour', placement: 'hero', deepLink: '/title/le-1001', player: 'stay' };
const title = 'Harbour Lights: The Finale, Live';
const previewShows: Readonly<Record<(typeof kinds)[number], object>> = {
  announced: {
    ...common,
    title,
    subtitle: 'You watched all of season three. The last night is tonight.',
    badge: 'Live tonight',
    action: 'remind me',
  },
  lobby: { ...common, title, subtitle: 'The lobby is open', badge: 'Starting soon', action: 'stay here' },
  live: { ...common, title, badge: 'Live', player: 'enter' },
  ended: {
    ...common,
    title: 'That was the last night',
    subtitle: 'Thank you for being there',
    badge: 'Ended',
  },
  replay: { ...common, title, subtitle: 'Watch it again', badge: 'Replay', action: 'watch' },
};

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** `node console/live-preview-testing.ts`: an event a minute, for people. */
async function main(): Promise<never> {
  const preview = await LivePreview.start({ lobbyMs: 8000, liveMs: 20_000, endedMs: 45_000 }, 4173);
  console.log(preview.url);
  for (let number = 2; ; number += 1) {
    for (const [stage, waitMs] of [
      ['lobby', 8000],
      ['live', 12_000],
      ['ended', 25_000],
    ] as const) {
      await sleep(waitMs);
      preview.publish(stage);
    }
    await sleep(15_000);
    preview.nextEvent(number);
  }
}

if (import.meta.main) await main();
