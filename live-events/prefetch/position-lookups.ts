import type { AudienceSegments } from '../../query-api/index.ts';

/** Members asked for in one read. */
const atOnceMax = 256;

interface Waiting {
  readonly id: string;
  readonly found: PromiseWithResolvers<number | null>;
}

/**
 * Positions of members, one at a time as devices ask, read together: while one read is under way those that come wait for the next, which then has all of them. Alone a read
 * begins at once. What waits is bounded by the requests that are open.
 */
export class PositionLookups {
  readonly #segments: Pick<AudienceSegments, 'positionsOf'>;
  /** By audience; there is an entry while a read is under way. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(segments: Pick<AudienceSegments, 'positionsOf'>) {
    this.#segments = segments;
  }

  /** Null of whoever is no member. Throws as `positionsOf` of the audience's segments. */
  positionOf(audience: string, id: string): Promise<number | null> {
    const found = Promise.withResolvers<number | null>();
    const waiting = this.#waiting.get(audience);
    if (waiting === undefined) {
      this.#waiting.set(audience, []);
      void this.#read(audience, [{ id, found }]);
    } else waiting.push({ id, found });
    return found.promise;
  }

  /** Never rejects: whoever asked is told. */
  async #read(audience: string, first: readonly Waiting[]): Promise<void> {
    let asked = first;
    while (asked.length > 0) {
      await this.#answer(audience, asked);
      asked = this.#waiting.get(audience)?.splice(0, atOnceMax) ?? [];
    }
    this.#waiting.delete(audience);
  }

  async #answer(audience: string, asked: readonly Waiting[]): Promise<void> {
    try {
      const ids = asked.map(({ id }) => id);
      const positions = await this.#segments.positionsOf(audience, ids);
      for (const [i, { found }] of asked.entries()) found.resolve(positions[i] ?? null);
    } catch (error) {
      for (const { found } of asked) found.reject(error);
    }
  }
}
