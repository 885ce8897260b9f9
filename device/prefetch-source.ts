import { type DeviceKind, prefetchLengthMax } from './prefetch.ts';

export interface PrefetchQuestion {
  readonly event: string;
  /** `Type:id`. */
  readonly member: string;
  readonly device: DeviceKind;
  /** Of what the device holds; null when it holds nothing. */
  readonly etag: string | null;
  readonly signal: AbortSignal;
}

export type PrefetchAnswer =
  /** As the server's JSON has it; the device checks it. */
  | { readonly kind: 'new'; readonly prefetch: unknown }
  /** What the device holds lives on, for so long, or for as long as before. */
  | { readonly kind: 'unchanged'; readonly ttlMs: number | null }
  /** The server has no room now. */
  | { readonly kind: 'later'; readonly afterMs: number };

/** Asks once. What it throws is reported, and it is asked again after a while. */
export type PrefetchSource = (question: PrefetchQuestion) => Promise<PrefetchAnswer>;

export interface HttpPrefetchOptions {
  /** The server's root, such as `https://graph.example`. */
  readonly url: string | URL;
  /** Sent with each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
}

/** `GET /live/events/EVENT/prefetch`. What it returns throws when there is no answer, or none of its kind. */
export function httpPrefetch({ url, headers = {}, ...options }: HttpPrefetchOptions): PrefetchSource {
  const ask = options.fetch ?? ((input, init) => fetch(input, init));
  return async ({ event, member, device, etag, signal }) => {
    const address = new URL(`/live/events/${encodeURIComponent(event)}/prefetch`, url);
    address.search = new URLSearchParams({ member, device }).toString();
    const known = etag === null ? {} : { 'if-none-match': etag };
    // A cache in between would answer with another's time to live.
    const response = await ask(address, { headers: { ...headers, ...known }, signal, cache: 'no-store' });
    if (response.status === 304) return { kind: 'unchanged', ttlMs: maxAgeMs(response.headers) };
    const text = await response.text();
    if (response.status === 429 || response.status === 503) {
      const afterMs = retryAfterMs(response.headers);
      if (afterMs !== null) return { kind: 'later', afterMs };
    }
    if (response.status !== 200) throw new Error(`${address} answered with ${response.status}.`);
    if (text.length > prefetchLengthMax)
      throw new Error(`${address} answered with ${text.length} characters.`);
    return { kind: 'new', prefetch: JSON.parse(text) };
  };
}

function maxAgeMs(headers: Headers): number | null {
  return secondsAsMs(/\bmax-age=(\d{1,9})\b/.exec(headers.get('cache-control') ?? '')?.[1]);
}

function retryAfterMs(headers: Headers): number | null {
  return secondsAsMs(/^(\d{1,9})$/.exec(headers.get('retry-after') ?? '')?.[1]);
}

/** No time at all says nothing: `max-age=0` is about caches, not about devices. */
function secondsAsMs(seconds: string | undefined): number | null {
  return seconds === undefined || Number(seconds) === 0 ? null : Number(seconds) * 1000;
}
