/** What `jg dlq` is told, as JSON holds it: offsets are texts, times milliseconds since the Unix epoch. */

export interface LetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export interface ReasonCount {
  readonly reason: string;
  readonly stage: string;
  readonly letters: number;
  /** Of them, those that a retry has applied. */
  readonly retried: number;
  /** By the records' own timestamps; null where they have none. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export interface TopicLetters {
  readonly topic: string;
  readonly letters: number;
  readonly retried: number;
  readonly reasons: readonly ReasonCount[];
  /** True when there are more letters than were looked at. */
  readonly more: boolean;
}

export interface LetterLine {
  /** Where the record was; null when the letter does not say. */
  readonly origin: LetterPlace | null;
  /** Where the letter lies. */
  readonly at: LetterPlace;
  readonly reason: string;
  readonly stage: string;
  readonly timeMs: number | null;
  readonly keyBytes: number | null;
  readonly valueBytes: number | null;
  readonly retried: boolean;
}

export interface LetterList {
  readonly topics: readonly TopicLetters[];
  /** The newest of each topic, as many as were asked for. */
  readonly newest: readonly LetterLine[];
}

export interface ShownLetter extends LetterLine {
  readonly detail: string;
  /** What would become of it now: `passes`, `filtered`, or the code with which it still fails. */
  readonly now: string;
  readonly schema: { readonly id: number } | { readonly guid: string } | null;
  readonly headers: readonly { readonly name: string; readonly bytes: number | null }[];
  /** Only when asked for; null of a tombstone. */
  readonly value?: ShownValue | null;
}

export type ShownValue =
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'unreadable'; readonly code: string; readonly base64: string; readonly cut: boolean };

/** So many letters came for one reason and would fare so now. */
export interface RetryRow {
  readonly was: string;
  /** `passes`, `filtered`, `held`, or the code with which they still fail. */
  readonly now: string;
  readonly letters: number;
}

export interface TopicTrial {
  readonly topic: string;
  readonly letters: number;
  readonly passes: number;
  /** Their mapping leaves them out, or there is none: a retry has nothing to apply and is done with them. */
  readonly filtered: number;
  readonly fails: number;
  readonly held: number;
  readonly rows: readonly RetryRow[];
  /** True when there are more letters than were looked at: another retry goes on there. */
  readonly more: boolean;
}

export interface TopicRetry {
  readonly topic: string;
  readonly applied: number;
  readonly superseded: number;
  readonly filtered: number;
}

/** What a retry says while it runs, its last word last. */
export type RetryEvent =
  | { readonly kind: 'progress'; readonly doing: 'trying' | 'applying'; readonly letters: number }
  | { readonly kind: 'trial'; readonly topics: readonly TopicTrial[] }
  | { readonly kind: 'applied'; readonly topics: readonly TopicRetry[] };
