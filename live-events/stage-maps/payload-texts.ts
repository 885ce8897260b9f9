import type { LevelStageMaps } from './level-stage-maps.ts';

export interface StageMapText {
  /** JSON. */
  readonly text: string;
  /** What the text says. */
  readonly value: unknown;
}

/** Those that are kept ready; the one not used for longest goes first. Of 16 KiB at most, several times that when read. */
const textsMax = 256;

/** Stage maps by hash, as they are asked for. What is being read is read once, however many ask. */
export class PayloadTexts {
  readonly #store: Pick<LevelStageMaps, 'payload'>;
  /** In the order in which they were used. */
  readonly #texts = new Map<string, Promise<StageMapText | null>>();

  constructor(store: Pick<LevelStageMaps, 'payload'>) {
    this.#store = store;
  }

  async get(hash: string): Promise<StageMapText | null> {
    const known = this.#texts.get(hash);
    const reading = known ?? this.#read(hash);
    this.#texts.delete(hash);
    this.#texts.set(hash, reading);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > textsMax && oldest !== undefined) this.#texts.delete(oldest);
    try {
      const text = await reading;
      if (text === null) this.#forget(hash, reading);
      return text;
    } catch (error) {
      this.#forget(hash, reading);
      throw error;
    }
  }

  async #read(hash: string): Promise<StageMapText | null> {
    const text = await this.#store.payload(hash);
    return text === null ? null : { text, value: JSON.parse(text) };
  }

  #forget(hash: string, reading: Promise<StageMapText | null>): void {
    if (this.#texts.get(hash) === reading) this.#texts.delete(hash);
  }
}
