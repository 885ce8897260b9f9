import { FencedError, OutageError, RefusedError } from '../../foundation/index.ts';
import { deadLetterTopic } from '../kafka-dead-letters.ts';
import type { Letter } from './letter.ts';
import { type ListRequest, lineOf, listLetters } from './letter-list.ts';
import { type OpenLetters, openLetters, readLetters } from './letter-reader.ts';
import type {
  LetterList,
  RetryEvent,
  RetryRow,
  ShownLetter,
  TopicRetry,
  TopicTrial,
} from './letter-reports.ts';
import {
  applyChosen,
  type PartitionRetry,
  type RetryLimits,
  type RetryParts,
  type Tried,
  tryPartition,
} from './letter-retry.ts';
import { LetterTrial, type Verdict } from './letter-trial.ts';
import { type LetterValues, schemaOf } from './letter-value.ts';

export interface LetterDeskParts extends RetryParts {
  readonly values: LetterValues;
  /** Those that are read where the command names none. */
  readonly topics: readonly string[];
}

export interface ShowRequest {
  /** Where the record was, as logs name it; or, with `<topic>.dlq`, where its letter lies. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly withValue: boolean;
}

export interface RetryRequest {
  /** Null for all. */
  readonly topic: string | null;
  /** Letters looked at in each partition. */
  readonly limit: number;
  readonly dryRun: boolean;
}

const rowsMax = 400;

/** What a person does with dead letters: looks at them, tries them with the mappings of now, applies those that pass. */
export class LetterDesk {
  readonly #parts: LetterDeskParts;
  readonly #limits: RetryLimits;

  constructor(parts: LetterDeskParts, limits: RetryLimits) {
    this.#parts = parts;
    this.#limits = limits;
  }

  list(
    request: Omit<ListRequest, 'topics'> & { readonly topic: string | null },
    signal: AbortSignal,
  ): Promise<LetterList> {
    return listLetters(this.#parts, { ...request, topics: this.#topicsOf(request.topic) }, signal);
  }

  /** Throws RefusedError DLQ_NO_LETTER. */
  async show(request: ShowRequest, signal: AbortSignal): Promise<ShownLetter> {
    const { letter, open, topic } = await this.#find(request, signal);
    const { source } = open.partition;
    const trial = new LetterTrial(
      this.#parts.processor,
      topic,
      open.partition,
      this.#parts.clock.now(),
      signal,
    );
    const { record, detail } = letter;
    return {
      ...lineOf(letter, source, !open.pending.has(record.offset)),
      detail,
      now: nameOf(await trial.judge(letter)),
      schema: schemaOf(record),
      headers: (record.headers ?? []).map(({ key, value }) => ({
        name: key,
        bytes: value?.byteLength ?? null,
      })),
      ...(request.withValue ? { value: await this.#parts.values.of(record, signal) } : {}),
    };
  }

  /** Says what would pass and, unless it is a dry run, applies that. */
  async *retry({ topic, limit, dryRun }: RetryRequest, signal: AbortSignal): AsyncGenerator<RetryEvent> {
    const tried: Tried[] = [];
    const trials: TopicTrial[] = [];
    let letters = 0;
    for (const name of this.#topicsOf(topic)) {
      const count = new TrialCount(name);
      for (const open of await openLetters(this.#parts, name)) {
        const tell = (letter: Letter, verdict: Verdict): void => count.add(letter, verdict);
        const one = await tryPartition(this.#parts, this.#limits, name, open, limit, tell, signal);
        if (one.more) count.more = true;
        if (one.chosen.length > 0) tried.push(one);
        yield { kind: 'progress', doing: 'trying', letters: letters + count.letters };
      }
      letters += count.letters;
      trials.push(count.report());
    }
    yield { kind: 'trial', topics: trials };
    if (!dryRun) yield* this.#apply(tried, signal);
  }

  async *#apply(tried: readonly Tried[], signal: AbortSignal): AsyncGenerator<RetryEvent> {
    const sums = new Map<string, TopicRetry>();
    let letters = 0;
    for (const one of tried) {
      const done = await this.#applied(one, signal);
      const before = sums.get(one.topic) ?? { applied: 0, superseded: 0, filtered: 0 };
      sums.set(one.topic, {
        topic: one.topic,
        applied: before.applied + done.applied,
        superseded: before.superseded + done.superseded,
        filtered: before.filtered + done.filtered,
      });
      letters += one.chosen.length;
      yield { kind: 'progress', doing: 'applying', letters };
    }
    yield { kind: 'applied', topics: [...sums.values()] };
  }

  /** @throws OutageError `DLQ_RETRY_OVERTAKEN` */
  async #applied(one: Tried, signal: AbortSignal): Promise<PartitionRetry> {
    try {
      return await applyChosen(this.#parts, this.#limits, one, signal);
    } catch (error) {
      if (!(error instanceof FencedError)) throw error;
      const { topic, partition } = one.open.partition.source;
      const message = `The retry of the dead letters of "${one.topic}" (${topic}, partition ${partition}) has ended: meanwhile another graph became the live one, or another retry applied them. What was applied stays where it was; run \`jg dlq retry\` again, which applies what the graph that is live now lacks.`;
      throw new OutageError('DLQ_RETRY_OVERTAKEN', message, {
        cause: error,
        context: { topic, partition },
      });
    }
  }

  #topicsOf(topic: string | null): readonly string[] {
    return topic === null ? this.#parts.topics : [withoutSuffix(topic)];
  }

  async #find(
    { topic, partition, offset }: ShowRequest,
    signal: AbortSignal,
  ): Promise<{ readonly letter: Letter; readonly open: OpenLetters; readonly topic: string }> {
    const name = withoutSuffix(topic);
    const byLetter = name !== topic;
    const all = await openLetters(this.#parts, name);
    const partitions = byLetter
      ? all.filter((open) => open.partition.source.partition === partition)
      : // Letters of a partition lie in one: this one first.
        all.toSorted((a, b) => distance(a, partition, all.length) - distance(b, partition, all.length));
    for (const open of partitions) {
      const from = byLetter ? offset : open.partition.low;
      for await (const letters of readLetters(this.#parts.letters, open.partition, from, signal)) {
        const letter = letters.find(({ record, origin }) =>
          byLetter
            ? record.offset === offset
            : origin?.topic === name && origin.partition === partition && origin.offset === offset,
        );
        if (letter !== undefined) return { letter, open, topic: name };
        if (byLetter && letters.length > 0) break;
      }
    }
    throw new RefusedError(
      'DLQ_NO_LETTER',
      `There is no dead letter of "${topic}", partition ${partition}, offset ${offset}: \`jg dlq list\` shows which there are.`,
      { context: { topic, partition, offset } },
    );
  }
}

function distance({ partition: { source } }: OpenLetters, partition: number, count: number): number {
  return source.partition === partition % count ? 0 : 1;
}

function withoutSuffix(topic: string): string {
  return topic.endsWith(deadLetterTopic('')) ? topic.slice(0, -deadLetterTopic('').length) : topic;
}

function nameOf(verdict: Verdict): string {
  if (verdict.kind === 'fails') return verdict.code;
  return verdict.kind === 'applies' ? 'passes' : verdict.kind;
}

class TrialCount {
  letters = 0;
  more = false;
  readonly #topic: string;
  readonly #sums = { applies: 0, filtered: 0, fails: 0, held: 0 };
  readonly #rows = new Map<string, RetryRow>();

  constructor(topic: string) {
    this.#topic = topic;
  }

  add({ reason }: Letter, verdict: Verdict): void {
    this.letters += 1;
    this.#sums[verdict.kind] += 1;
    const now = nameOf(verdict);
    // What others wrote into the topic may give any reason.
    const was = this.#rows.size < rowsMax || this.#rows.has(`${reason} ${now}`) ? reason : 'OTHER';
    const before = this.#rows.get(`${was} ${now}`);
    this.#rows.set(`${was} ${now}`, { was, now, letters: (before?.letters ?? 0) + 1 });
  }

  report(): TopicTrial {
    const { applies, filtered, fails, held } = this.#sums;
    const rows = [...this.#rows.values()].sort((a, b) => b.letters - a.letters);
    const { letters, more } = this;
    return { topic: this.#topic, letters, passes: applies, filtered, fails, held, rows, more };
  }
}
