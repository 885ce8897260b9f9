import { must } from '../../foundation/index.ts';
import { BundledRegistry, type EventEncoder, loadCatalog } from '../../schemas/index.ts';

/** The topic that the benchmark reads: one step, two edges and three nodes an event. */
export const benchTopic = 'streaming.playback-stopped';

export interface BenchEvent {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly timeMs: number;
}

export interface BenchShape {
  readonly accounts: number;
  readonly titles: number;
  /** How titles are drawn: evenly, or by Zipf's law (the k-th most popular about 1/k as often as the first). Accounts are drawn evenly. */
  readonly popularity: 'even' | 'zipf';
}

export const benchShape: BenchShape = { accounts: 200_000, titles: 10_000, popularity: 'even' };

const eventsPerAccount = 50;

/** The graph grows with the events: each account has 50 of them in the end. */
export function growingShape(events: number, popularity: BenchShape['popularity']): BenchShape {
  return {
    accounts: Math.max(100, Math.ceil(events / eventsPerAccount)),
    titles: Math.min(10_000, Math.max(100, Math.ceil(events / 200))),
    popularity,
  };
}

export function accountId(number: number): string {
  return `acc-${String(number).padStart(7, '0')}`;
}

export function titleId(number: number): string {
  return `ti-${number}`;
}

/** The schema's text in the bundled catalog, and the id that the bundled registry gives it. */
export async function benchSchema(): Promise<{ readonly id: number; readonly text: string }> {
  const catalog = await loadCatalog();
  const latest = await BundledRegistry.of(catalog).latest(`${benchTopic}-value`);
  return must(latest, "the catalog holds the benchmark's topic").schema;
}

/** The same events for the same seed, whatever asks for them. */
export class PlaybackEvents {
  readonly #encoder: EventEncoder;
  readonly #shape: BenchShape;
  #state: number;
  #sent = 0;

  constructor(encoder: EventEncoder, seed: number, shape: BenchShape = benchShape) {
    this.#encoder = encoder;
    this.#shape = shape;
    this.#state = seed >>> 0;
  }

  next(timeMs: number): BenchEvent {
    this.#sent += 1;
    const account = this.#below(this.#shape.accounts);
    const owner = accountId(account);
    const title = this.#title();
    const screen = this.#below(3);
    const value = this.#encoder.encode({
      eventId: uuid(this.#sent, this.#state),
      occurredAt: BigInt(timeMs),
      accountId: owner,
      title: { id: titleId(title), name: `Title number ${title}`, kind: 'SERIES' },
      device: { id: `dev-${account}-${screen}`, kind: screen === 0 ? 'PHONE' : 'TV', model: null },
      seconds: BigInt(60 + this.#below(3000)),
      completion: this.#below(100) / 100,
      reason: 'LEFT',
    });
    return { key: Buffer.from(owner), value, timeMs };
  }

  /** Of a number that is even between 0 and 1, (titles + 1) to its power falls between k + 1 and k + 2 about 1/k as often as between 1 and 2. */
  #title(): number {
    const { titles, popularity } = this.#shape;
    if (popularity === 'even') return this.#below(titles);
    return Math.min(titles - 1, Math.floor((titles + 1) ** this.#unit()) - 1);
  }

  /** A linear congruential generator (Numerical Recipes): only evenness and repeatability matter here. */
  #unit(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  }

  #below(limit: number): number {
    return Math.floor(this.#unit() * limit);
  }
}

function uuid(sequence: number, state: number): string {
  const low = sequence.toString(16).padStart(12, '0');
  const high = state.toString(16).padStart(8, '0');
  return `${high}-0000-4000-8000-${low}`;
}
