import { hash } from 'node:crypto';
import { BadDataError, OutageError, StopError } from '../../foundation/index.ts';
import { createMutationBatch, type EventMutations, type MutationBatch } from '../../graph-store/index.ts';
import { deadLetterTopic } from '../kafka-dead-letters.ts';
import type { RecordProcessor } from '../record-processor.ts';
import type { Letter } from './letter.ts';
import type { LetterPartition } from './letter-log.ts';

/** What would become of a letter with the schemas, mappings and tables of now. */
export type Verdict =
  | { readonly kind: 'applies'; readonly event: EventMutations }
  /** It has no mapping, or its mapping leaves it out: nothing is left to be done with it. */
  | { readonly kind: 'filtered' }
  | { readonly kind: 'fails'; readonly code: string }
  /** An earlier letter of its key fails. */
  | { readonly kind: 'held' };

const loadsMax = 2;
const scratchBytesMax = 1_048_576;

/**
 * Tries the letters of one partition in their order, by the very processor of pipelines. A key of which one letter fails is blocked for the
 * rest of it, so that no letter overtakes an earlier one of its key.
 */
export class LetterTrial {
  readonly #processor: RecordProcessor;
  readonly #topic: string;
  readonly #partition: LetterPartition;
  readonly #seenMs: number;
  readonly #signal: AbortSignal;
  readonly #blocked = new Set<string>();
  #scratch: MutationBatch = createMutationBatch();

  constructor(
    processor: RecordProcessor,
    topic: string,
    partition: LetterPartition,
    seenMs: number,
    signal: AbortSignal,
  ) {
    this.#processor = processor;
    this.#topic = topic;
    this.#partition = partition;
    this.#seenMs = seenMs;
    this.#signal = signal;
  }

  async judge(letter: Letter): Promise<Verdict> {
    const key = keyText(letter);
    if (key !== null && this.#blocked.has(key)) return { kind: 'held' };
    const verdict = await this.#verdict(letter);
    if (verdict.kind === 'fails' && key !== null) this.#blocked.add(key);
    return verdict;
  }

  async #verdict(letter: Letter): Promise<Verdict> {
    if (letter.origin !== null && letter.origin.topic !== this.#topic)
      return { kind: 'fails', code: 'DLQ_FOREIGN' };
    // Subjects go by the topic that the record was in; what is applied says where it was read.
    const source = { ...this.#partition.source, topic: this.#topic };
    for (let loads = 0; ; ) {
      const outcome = this.#processor.process(letter.record, source, this.#seenMs);
      switch (outcome.kind) {
        case 'mapped':
          return this.#packed(outcome.event);
        case 'filtered':
          return outcome;
        case 'dead':
          return { kind: 'fails', code: outcome.error.code };
        case 'needs-row':
          await outcome.table.arrival(outcome.key, outcome.untilMs, this.#signal);
          if (this.#signal.aborted) throw lettersInterrupted();
          break;
        default:
          if (loads === loadsMax) throw notLoaded(this.#topic, letter);
          loads += 1;
          await this.#processor.load(outcome.schemaId, source, this.#signal);
      }
    }
  }

  /** What cannot be packed is a dead letter too. */
  #packed(event: EventMutations): Verdict {
    if (this.#scratch.sizeBytes > scratchBytesMax) this.#scratch = createMutationBatch();
    try {
      this.#scratch.add(event);
      return { kind: 'applies', event };
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      return { kind: 'fails', code: error.code };
    }
  }
}

/** Null of a letter without a key, which has no order to keep. */
function keyText({ record: { key } }: Letter): string | null {
  return key === null ? null : hash('sha256', key, 'base64');
}

export function lettersInterrupted(): OutageError {
  return new OutageError(
    'INTERRUPTED',
    'Interrupted; what was applied stays, and the next retry goes on from there.',
  );
}

function notLoaded(topic: string, { record: { offset } }: Letter): StopError {
  return new StopError(
    'SCHEMA_NOT_LOADED',
    `A schema was loaded for offset ${offset} of "${deadLetterTopic(topic)}" and is still missing.`,
    { context: { topic: deadLetterTopic(topic), offset } },
  );
}
