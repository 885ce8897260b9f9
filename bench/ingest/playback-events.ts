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
}

export const benchShape: BenchShape = { accounts: 200_000, titles: 10_000 };

/** The schema's text in the bundled catalog, and the id that the bundled registry gives it. */
export async function benchSchema(): Promise<{ readonly id: number; readonly text: string }> {
  const catalog = await loadCatalog();
  const latest = await BundledRegistry.of(catalog).latest(`${benchTopic}-value`);
  return must(latest, "the catalog holds the benchmark's topic").schema;
}

/** The same events for the same seed, whatever asks for them; accounts and titles are drawn evenly. */
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
    const accountId = `acc-${String(account).padStart(7, '0')}`;
    const title = this.#below(this.#shape.titles);
    const screen = this.#below(3);
    const value = this.#encoder.encode({
      eventId: uuid(this.#sent, this.#state),
      occurredAt: BigInt(timeMs),
      accountId,
      title: { id: `ti-${title}`, name: `Title number ${title}`, kind: 'SERIES' },
      device: { id: `dev-${account}-${screen}`, kind: screen === 0 ? 'PHONE' : 'TV', model: null },
      seconds: BigInt(60 + this.#below(3000)),
      completion: this.#below(100) / 100,
      reason: 'LEFT',
    });
    return { key: Buffer.from(accountId), value, timeMs };
  }

  /** A linear congruential generator (Numerical Recipes): only evenness and repeatability matter here. */
  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

function uuid(sequence: number, state: number): string {
  const low = sequence.toString(16).padStart(12, '0');
  const high = state.toString(16).padStart(8, '0');
  return `${high}-0000-4000-8000-${low}`;
}
