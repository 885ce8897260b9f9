import type { SourcePartition } from './graph-store.ts';
import type { OriginRow } from './lineage.ts';
import type { EventOrigin } from './model.ts';
import type { OriginOf } from './occurrence-page.ts';

/** As it is stored. */
export function originText(
  { cluster, topic, topicId }: SourcePartition,
  { schemaId, subject, version }: EventOrigin,
): string {
  return JSON.stringify({ cluster, topic, topicId, schemaId, subject, version });
}

/** What a process knows of the origins that lineage names; others on the same graph may have numbered more. Bounded by `originsMax`. */
export class KnownOrigins {
  readonly #ids = new Map<string, number>();
  readonly #rows = new Map<number, OriginRow>();
  #greatestId = 0;

  get greatestId(): number {
    return this.#greatestId;
  }

  idOf(text: string): number | undefined {
    return this.#ids.get(text);
  }

  learn(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#rows.set(id, JSON.parse(text));
    this.#greatestId = Math.max(this.#greatestId, id);
  }

  /** What reading builds from rows: once more, when they name an origin that another process numbered since. */
  async complete<T>(build: (originOf: OriginOf) => T, load: () => Promise<void>): Promise<T> {
    let missed = false;
    const built = build((id) => {
      const row = this.#rows.get(id);
      if (row === undefined) missed = true;
      return row ?? null;
    });
    if (!missed) return built;
    await load();
    return build((id) => this.#rows.get(id) ?? null);
  }
}
