import { isKey } from '../../device/index.ts';

/** Where an event's traffic goes. */
export type EventPool =
  /** To this server, among everything else. */
  | { readonly kind: 'shared' }
  /** To a part of this server's limit: guaranteed, and never more. */
  | { readonly kind: 'partition'; readonly name: string; readonly share: number }
  /** To servers of its own: what `connection` and prefetch answers name. */
  | { readonly kind: 'address'; readonly url: string };

export interface EventPoolRule {
  /** Event ids; one that ends with `*` stands for all that begin so. */
  readonly events: readonly string[];
  readonly pool: EventPool;
}

const shared: EventPool = { kind: 'shared' };
const searchCharactersMax = 2_048;

const shareMax = 1;

/** `EVENT=SHARE` or `EVENT=URL`, where EVENT may end with `*`; null when it is neither. */
export function readEventPool(text: string): EventPoolRule | null {
  const found = /^([A-Za-z0-9._-]{1,64}\*?)=(.+)$/.exec(text);
  const [, named, pool] = found ?? [];
  if (named === undefined || pool === undefined) return null;
  if (/^https?:\/\//.test(pool)) {
    const url = URL.parse(pool);
    return url === null ? null : { events: [named], pool: { kind: 'address', url: url.href } };
  }
  const share = /^[0-9.]+$/.test(pool) ? Number(pool) : Number.NaN;
  if (!(share > 0 && share <= shareMax)) return null;
  return { events: [named], pool: { kind: 'partition', name: named, share } };
}

/** Which pool serves which event: the first rule that names it, or else the shared one. */
export class EventPools {
  readonly #rules: readonly EventPoolRule[];

  constructor(rules: readonly EventPoolRule[]) {
    this.#rules = rules;
  }

  of(event: string | null): EventPool {
    if (event === null) return shared;
    return this.#rules.find(({ events }) => events.some((named) => fits(named, event)))?.pool ?? shared;
  }

  /** Of all pools that are servers of their own. */
  get addresses(): readonly string[] {
    return this.#rules.flatMap(({ pool }) => (pool.kind === 'address' ? [pool.url] : []));
  }

  /** What a device is to be told in place of this server's own address; null: this server's own. */
  addressOf(event: string): string | null {
    const pool = this.of(event);
    return pool.kind === 'address' ? pool.url : null;
  }
}

/** The event that a request is about, as far as its address says so; null for none. `search` with its question mark, or empty. */
export function eventOfAddress(path: string, search: string): string | null {
  const inPath = /^\/live\/events\/([^/]{1,64})\//.exec(path)?.[1];
  if (inPath !== undefined) return isKey(inPath) ? inPath : null;
  if (path !== '/live/socket' || search.length > searchCharactersMax) return null;
  const named = new URLSearchParams(search).get('event');
  return isKey(named) ? named : null;
}

function fits(named: string, event: string): boolean {
  return named.endsWith('*') ? event.startsWith(named.slice(0, -1)) : named === event;
}
