import { BadDataError, type JourneyGraphError, type Log } from '../foundation/index.ts';
import type { MapSettings } from '../processors/index.ts';
import {
  findTables,
  lookupTopics,
  type MappedVersion,
  noTables,
  type SchemaRegistry,
  type TableSchemas,
} from '../schemas/index.ts';
import { type Candidate, Contender } from './first-look.ts';
import { compileReader } from './mapping-judge.ts';
import type { Slot } from './mapping-slot.ts';

interface QuestionParts {
  readonly registry: SchemaRegistry;
  readonly log: Log;
}

/** What the registry is asked about a subject, and what is said when it gives no answer. */
export class MappingQuestions {
  readonly #parts: QuestionParts;
  readonly #settings: MapSettings;

  constructor(parts: QuestionParts, settings: MapSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Null when the subject has no mapping. */
  async contender(slot: Slot, signal?: AbortSignal): Promise<Contender | null> {
    const found = await this.newest(slot, signal);
    if (found === null) return null;
    const tables = await this.tables(slot, found, signal);
    return new Contender(
      slot.subject,
      { found, tables },
      (candidate) => compileReader(candidate.found, candidate.tables, this.#settings),
      () => this.older(slot, found, signal),
    );
  }

  /** Null when the subject has no mapping. */
  async newest(slot: Slot, signal?: AbortSignal): Promise<MappedVersion | null> {
    const passedOver: BadDataError[] = [];
    const found = await slot.finder.newest(signal, (error) => passedOver.push(error));
    // One of them: a second complaint would be news each time, for it is never the same as the last.
    const [first] = passedOver;
    if (first !== undefined) {
      const place = first.context.subject ?? slot.subject;
      this.complain(slot, first, `The newest version of ${place} is passed over`);
    }
    return found;
  }

  /** None when they cannot be read, such as those of another kind than Avro. */
  async older(slot: Slot, found: MappedVersion, signal?: AbortSignal): Promise<readonly Candidate[]> {
    try {
      const candidates: Candidate[] = [];
      for (const older of await slot.finder.older(found, signal)) {
        candidates.push({ found: older, tables: await this.tables(slot, older, signal) });
      }
      return candidates;
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      this.complain(slot, error);
      return [];
    }
  }

  /** The tables of a version that is not in force yet. */
  async tables(slot: Slot, found: MappedVersion | null, signal?: AbortSignal): Promise<TableSchemas> {
    if (found === null || (slot.reader !== null && isSame(slot.reader.from, found))) return noTables;
    return findTables(this.#parts.registry, lookupTopics(found.schema.graph), signal);
  }

  /** An outage is no news; all else is said once, until there is an answer. */
  complain(slot: Slot, error: JourneyGraphError, what = 'No newer mapping can be looked for'): void {
    const { subject } = slot;
    const { code } = error;
    if (error.reaction === 'outage') {
      this.#parts.log.debug({ subject, code }, `No newer mapping could be looked for: ${error.message}`);
    } else if (slot.complaint !== code) {
      this.#parts.log.warn({ subject, code }, `${what}: ${error.message}`);
    }
    slot.complaint = code;
    slot.complaints += 1;
  }
}

export function isSame(a: MappedVersion, b: MappedVersion): boolean {
  return a.subject === b.subject && a.version === b.version && a.schema.text === b.schema.text;
}
