import type { Letter } from './letter.ts';
import { type LetterSources, type OpenLetters, openLetters, readLetters } from './letter-reader.ts';
import type { LetterLine, LetterList, ReasonCount, TopicLetters } from './letter-reports.ts';

export interface ListRequest {
  readonly topics: readonly string[];
  readonly reason: string | null;
  readonly sinceMs: number | null;
  /** Lines of the newest letters of each topic. */
  readonly newest: number;
}

/** Letters looked at of a partition: the newest so many. Offsets may have holes, so it may be fewer. */
const lookedMax = 1_000_000n;
/** Codes are ours and few; what others wrote into the topic may say anything. */
const reasonsMax = 200;
const otherReason = 'OTHER';

/** How many letters there are, and why. */
export async function listLetters(
  parts: LetterSources,
  request: ListRequest,
  signal: AbortSignal,
): Promise<LetterList> {
  const topics: TopicLetters[] = [];
  const newest: LetterLine[] = [];
  for (const topic of request.topics) {
    const count = new TopicCount(topic);
    for (const open of await openLetters(parts, topic))
      await countPartition(parts, open, request, count, signal);
    topics.push(count.report());
    newest.push(...count.newest(request.newest));
  }
  return { topics, newest };
}

async function countPartition(
  parts: LetterSources,
  { partition, pending }: OpenLetters,
  { reason, sinceMs, newest }: ListRequest,
  count: TopicCount,
  signal: AbortSignal,
): Promise<void> {
  const from = partition.end - partition.low > lookedMax ? partition.end - lookedMax : partition.low;
  if (from > partition.low) count.more = true;
  for await (const letters of readLetters(parts.letters, partition, from, signal)) {
    for (const letter of letters) {
      if (reason !== null && letter.reason !== reason) continue;
      if (sinceMs !== null && letter.record.timestampMs < sinceMs) continue;
      count.add(lineOf(letter, partition.source, !pending.has(letter.record.offset)), newest);
    }
  }
}

export function lineOf(
  { record, origin, reason, stage }: Letter,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  retried: boolean,
): LetterLine {
  return {
    origin: origin === null ? null : { ...origin, offset: String(origin.offset) },
    at: { topic, partition, offset: String(record.offset) },
    reason,
    stage,
    timeMs: record.timestampMs < 0 ? null : record.timestampMs,
    keyBytes: record.key?.byteLength ?? null,
    valueBytes: record.value?.byteLength ?? null,
    retried,
  };
}

class TopicCount {
  more = false;
  readonly #topic: string;
  readonly #reasons = new Map<string, ReasonCount>();
  #lines: LetterLine[] = [];

  constructor(topic: string) {
    this.#topic = topic;
  }

  add(line: LetterLine, newestMax: number): void {
    const { stage, timeMs, retried } = line;
    const isKnown = this.#reasons.has(nameOf(line.reason, stage));
    const reason = isKnown || this.#reasons.size < reasonsMax ? line.reason : otherReason;
    const name = nameOf(reason, reason === otherReason ? '' : stage);
    const before = this.#reasons.get(name);
    this.#reasons.set(name, {
      reason,
      stage: before?.stage ?? (reason === otherReason ? '' : stage),
      letters: (before?.letters ?? 0) + 1,
      retried: (before?.retried ?? 0) + (retried ? 1 : 0),
      oldestMs: bound(before?.oldestMs, timeMs, Math.min),
      newestMs: bound(before?.newestMs, timeMs, Math.max),
    });
    this.#lines.push(line);
    if (this.#lines.length > 2 * newestMax + 64) this.#lines = newestOf(this.#lines, newestMax);
  }

  newest(count: number): readonly LetterLine[] {
    return newestOf(this.#lines, count);
  }

  report(): TopicLetters {
    const reasons = [...this.#reasons.values()].sort((a, b) => b.letters - a.letters);
    const sum = (of: (one: ReasonCount) => number): number =>
      reasons.reduce((total, one) => total + of(one), 0);
    const letters = sum((one) => one.letters);
    return { topic: this.#topic, letters, retried: sum((one) => one.retried), reasons, more: this.more };
  }
}

function nameOf(reason: string, stage: string): string {
  return `${reason} ${stage}`;
}

function newestOf(lines: readonly LetterLine[], count: number): LetterLine[] {
  return lines.toSorted((a, b) => (b.timeMs ?? 0) - (a.timeMs ?? 0)).slice(0, count);
}

function bound(
  before: number | null | undefined,
  timeMs: number | null,
  of: (a: number, b: number) => number,
): number | null {
  if (timeMs === null) return before ?? null;
  return before === null || before === undefined ? timeMs : of(before, timeMs);
}
