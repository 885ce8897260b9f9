import { LRUCache } from 'lru-cache';
import {
  BadDataError,
  type Clock,
  JourneyGraphError,
  type Log,
  type Random,
  StopError,
} from '../foundation/index.ts';
import { type MapSettings, mapSettingsDefault } from '../processors/index.ts';
import {
  type AvroSchema,
  describeGraph,
  type GraphDeclarations,
  type GraphSchema,
  type MappedVersion,
  mergeDeclarations,
  type SchemaRegistry,
  type TableSchemas,
} from '../schemas/index.ts';
import { type Candidate, type Contender, elect } from './first-look.ts';
import { type Fault, judgeMapping, problemText, type Reader, type Verdict } from './mapping-judge.ts';
import { isSame, MappingQuestions } from './mapping-questions.ts';
import { type MappingAlarm, Slot, type SubjectMapping } from './mapping-slot.ts';
import { type DeclaredTimesToLive, timesToLiveIn } from './times-to-live.ts';

export interface MappingSettings extends MapSettings {
  /** A new version is noticed at the latest after so long, milliseconds, while the registry answers. */
  readonly pollIntervalMs: number;
  /** Subjects kept, least recently loaded out first. */
  readonly subjectsMax: number;
}

export const mappingSettingsDefault = {
  ...mapSettingsDefault,
  pollIntervalMs: 5_000,
  subjectsMax: 1_000,
} as const satisfies MappingSettings;

export interface MappingParts {
  readonly registry: SchemaRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface MappingStatus {
  /** Of the events. */
  readonly subject: string;
  /** Where the mapping that they go by is registered; null when there is none yet. */
  readonly inForce: { readonly subject: string; readonly version: number } | null;
  /** Null when nothing newer is wrong. */
  readonly alarm: MappingAlarm | null;
}

/** A round waits between this share of the interval and all of it, so that processes do not ask in step. */
const jitterFrom = 0.75;
/** Subjects that the first look asks for at a time. */
const lookWidth = 8;
/** So often the first look waits for the subjects about which the registry is silent while it answers for others. */
const partialLooksMax = 3;

/**
 * The mappings that a process goes by, one a subject, whatever the number of topics and partitions that share them.
 *
 * A subject's mapping is looked up when it is first asked for and whenever `of` is called again (a writer's schema was met
 * that is new), and `watch` looks for newer versions of all of them. Once a mapping is in force, only a better one
 * takes its place: a version that does not compile, contradicts the mapping of another subject, or cannot read what is
 * being read now, leaves it in force and raises an alarm; a version or subject that vanishes changes nothing. Nobody
 * waits for `watch`, and no outage of it stops anything.
 *
 * Nothing of it is kept, so a process begins with a first look at all subjects that are expected, before any is decided: of two
 * mappings that contradict each other the one that was registered first wins, and a subject whose newest version is not fit goes by the
 * newest that is. A subject that is only met later gives way to what is in force.
 */
export class MappingsInForce {
  readonly #parts: MappingParts;
  readonly #settings: MappingSettings;
  readonly #questions: MappingQuestions;
  readonly #slots: LRUCache<string, Slot>;
  #tickets = 0;
  /** Counts the changes of what is in force. */
  #graphVersion = 0;
  #graph: { readonly version: number; readonly schema: GraphSchema } | null = null;
  #timesToLive: { readonly version: number; readonly declared: DeclaredTimesToLive } | null = null;
  /** The subject at which the registry fell silent: the next round begins behind it, so that one never starves others. */
  #silentAt = '';
  #hasLooked = false;
  /** Null before and after it. Those who come meanwhile share it, and its first caller's signal. */
  #firstLook: Promise<void> | null = null;
  #firstLookEnded = false;
  #partialLooks = 0;

  constructor(parts: MappingParts, settings: MappingSettings = mappingSettingsDefault) {
    this.#parts = parts;
    this.#settings = settings;
    this.#questions = new MappingQuestions(parts, settings);
    this.#slots = new LRUCache({
      max: settings.subjectsMax,
      dispose: (slot) => {
        slot.retired = true;
        this.#graphVersion += 1;
      },
    });
  }

  /**
   * Asks the registry. Throws `OutageError`, and `StopError` when no mapping was ever in force for the subject and neither the
   * newest nor an older one is fit to be. Never `BadDataError`: what is wrong with a mapping is wrong with no record.
   */
  async of(subject: string, signal?: AbortSignal): Promise<SubjectMapping> {
    const slot = this.#slot(subject);
    const before = slot.ticket;
    try {
      await this.#lookFirst(signal);
      if (slot.ticket === before) await this.#refresh(slot, signal);
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      const { code, message, context } = error;
      throw new StopError(code, message, { cause: error, context: { ...context, subject } });
    }
    if (slot.reader === null && slot.refusal !== null) throw slot.refusal.error;
    return slot;
  }

  /** Says that the subject will be asked for, so that `watch` looks for its mapping before the first event comes. */
  expect(subject: string): void {
    this.#slot(subject);
  }

  /** Says whose events the subject's mapping reads. */
  noteWriter(subject: string, schemaId: number, writer: AvroSchema): void {
    this.#slots.peek(subject)?.writers.set(schemaId, writer);
  }

  /** True once `watch` has looked for all mappings that were expected, whether or not the registry answered. */
  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  status(): readonly MappingStatus[] {
    return [...this.#slots.values()]
      .map(({ subject, reader, refusal }) => ({
        subject,
        inForce: reader === null ? null : { subject: reader.from.subject, version: reader.from.version },
        alarm: refusal?.alarm ?? null,
      }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  /**
   * What the mappings in force say about times to live, by the subject of the events: a subject that is missing has no mapping in
   * force here, now, and nothing follows from that. The same object until what is in force changes.
   */
  timesToLive(): DeclaredTimesToLive {
    if (this.#timesToLive?.version !== this.#graphVersion) {
      const declared = [...this.#slots.values()].flatMap(({ subject, reader }) =>
        reader === null ? [] : [[subject, timesToLiveIn(reader.declarations)] as const],
      );
      this.#timesToLive = { version: this.#graphVersion, declared: new Map(declared) };
    }
    return this.#timesToLive.declared;
  }

  /** The union of all mappings in force. They never contradict each other. */
  graphSchema(): GraphSchema {
    if (this.#graph?.version !== this.#graphVersion) {
      const { schema } = describeGraph(mergeDeclarations(this.#declarations(null)));
      this.#graph = { version: this.#graphVersion, schema };
    }
    return this.#graph.schema;
  }

  /** Looks for newer versions, now and until `signal` aborts. Rejects for nothing but a bug. */
  async watch(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    while (!signal.aborted) {
      await this.poll(signal);
      this.#hasLooked = true;
      const share = jitterFrom + random() * (1 - jitterFrom);
      await clock.sleep(this.#settings.pollIntervalMs * share, signal);
    }
  }

  /** One round: each subject once, one after the other; a registry that does not answer ends it. */
  async poll(signal?: AbortSignal): Promise<void> {
    const subjects = [...this.#slots.keys()].sort();
    const behind = subjects.filter((subject) => subject > this.#silentAt);
    const before = subjects.filter((subject) => subject <= this.#silentAt);
    this.#silentAt = '';
    const isOver = (): boolean => signal?.aborted === true;
    const ticketsBefore = this.#tickets;
    try {
      await this.#lookFirst(signal);
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      const { code, message } = error;
      if (!isOver()) this.#parts.log.debug({ code }, `No mapping could be looked for: ${message}`);
      return;
    }
    for (const subject of [...behind, ...before]) {
      if (isOver()) return;
      const slot = this.#slots.peek(subject);
      // Those that the first look has just asked for are not asked for twice.
      if (slot === undefined || slot.ticket > ticketsBefore) continue;
      // A registry that answers from memory never gives way, and judging takes milliseconds a subject.
      await this.#parts.clock.sleep(0, signal);
      try {
        await this.#refresh(slot, signal);
      } catch (error) {
        if (!(error instanceof JourneyGraphError)) throw error;
        if (isOver()) return;
        this.#questions.complain(slot, error);
        if (error.reaction !== 'outage') continue;
        this.#silentAt = subject;
        return;
      }
    }
  }

  #slot(subject: string): Slot {
    const known = this.#slots.get(subject);
    if (known !== undefined) return known;
    const slot = new Slot(subject, this.#parts.registry);
    this.#slots.set(subject, slot);
    return slot;
  }

  async #lookFirst(signal?: AbortSignal): Promise<void> {
    if (this.#firstLookEnded) return;
    this.#firstLook ??= this.#look(signal).finally(() => {
      this.#firstLook = null;
    });
    await this.#firstLook;
  }

  /** Decides for all subjects together. Throws `OutageError` when the registry has to be waited for: nothing is in force then. */
  async #look(signal?: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    this.#tickets += 1;
    const ticket = this.#tickets;
    const asked = new Map<Slot, Contender | null>();
    let outage: JourneyGraphError | null = null;
    const fail = (slot: Slot, error: unknown): void => {
      if (!(error instanceof JourneyGraphError)) throw error;
      // All else is thrown to who asks for that subject: it must not hinder the others.
      if (error.reaction === 'outage') outage = error;
      else this.#questions.complain(slot, error);
    };
    const ask = async (slot: Slot): Promise<void> => {
      try {
        const contender = await this.#questions.contender(slot, signal);
        await clock.sleep(0, signal);
        await contender?.begin();
        asked.set(slot, contender);
      } catch (error) {
        fail(slot, error);
      }
    };
    const slots = [...this.#slots.values()];
    for (let from = 0; from < slots.length; from += lookWidth) {
      await Promise.all(slots.slice(from, from + lookWidth).map(ask));
      if (outage !== null && asked.size === 0) throw outage;
    }
    this.#insistOn(outage);
    const contenders = [...asked.values()].filter((one) => one !== null);
    const elected = await elect(contenders, () => clock.sleep(0, signal));
    for (const [slot, contender] of asked) {
      if (contender === null || contender.failure === null) continue;
      asked.delete(slot);
      fail(slot, contender.failure);
    }
    this.#insistOn(outage);
    for (const [slot, contender] of asked) {
      slot.ticket = ticket;
      const reader = elected.get(slot.subject);
      if (contender !== null && reader !== undefined) this.#putInForce(slot, reader);
    }
    for (const [slot, contender] of asked) {
      if (contender === null) continue;
      const { found, tables } = contender.newest;
      if (slot.reader === null || !isSame(slot.reader.from, found))
        this.#consider(slot, found, tables, contender.older);
    }
    this.#firstLookEnded = true;
  }

  /** On having everybody's say, a few times. */
  #insistOn(outage: JourneyGraphError | null): void {
    if (outage === null) return;
    this.#partialLooks += 1;
    if (this.#partialLooks < partialLooksMax) throw outage;
  }

  async #refresh(slot: Slot, signal?: AbortSignal): Promise<void> {
    this.#tickets += 1;
    const ticket = this.#tickets;
    const { complaints } = slot;
    const found = await this.#questions.newest(slot, signal);
    const tables = await this.#questions.tables(slot, found, signal);
    const isUnfit =
      found !== null &&
      slot.reader === null &&
      !this.#isSettled(slot, found, tables) &&
      !this.#judge(slot, found, tables).ok;
    const standIns = isUnfit ? await this.#questions.older(slot, found, signal) : [];
    if (slot.complaints === complaints) slot.complaint = null;
    // An older question that was answered later knows less.
    if (ticket < slot.ticket) return;
    slot.ticket = ticket;
    if (found === null) {
      slot.refusal = null;
      return;
    }
    if (slot.reader !== null && isSame(slot.reader.from, found)) slot.refusal = null;
    else if (!this.#isSettled(slot, found, tables))
      this.#consider(slot, found, tables, slot.reader === null ? standIns : []);
  }

  /**
   * A contradiction may end because the other side changed, or a table's rows; all else that is wrong with a version stays wrong. While
   * nothing is in force, an older version may be contradicted as well.
   */
  #isSettled({ refusal, reader }: Slot, found: MappedVersion, tables: TableSchemas): boolean {
    if (refusal === null || !isSame(refusal.found, found) || !areSame(refusal.tables, tables)) return false;
    const mayEnd = refusal.error.code === 'GRAPH_SCHEMA_CONFLICT' || reader === null;
    return !mayEnd || refusal.graphVersion === this.#graphVersion;
  }

  #judge(slot: Slot, found: MappedVersion, tables: TableSchemas): Verdict {
    const around = { writers: slot.writers.entries(), others: this.#declarations(slot), tables };
    return judgeMapping(found, around, this.#settings);
  }

  /** At once, so that nothing else changes meanwhile. Of the older ones the best stands in, down to the one that is in force. */
  #consider(slot: Slot, found: MappedVersion, tables: TableSchemas, older: readonly Candidate[]): void {
    const verdict = this.#judge(slot, found, tables);
    if (verdict.ok) {
      this.#putInForce(slot, verdict.reader);
      return;
    }
    for (const candidate of older) {
      if (slot.reader !== null && isSame(slot.reader.from, candidate.found)) break;
      const standIn = this.#judge(slot, candidate.found, candidate.tables);
      if (!standIn.ok) continue;
      this.#putInForce(slot, standIn.reader);
      break;
    }
    this.#refuse(slot, found, verdict.fault, tables);
  }

  #putInForce(slot: Slot, reader: Reader): void {
    const { subject, version } = reader.from;
    const was = slot.reader?.from.version ?? null;
    slot.reader = reader;
    slot.refusal = null;
    this.#graphVersion += 1;
    // Those that a start finds are many and say nothing new, and so do those that come and go beyond the limit of subjects.
    const isExpected =
      was === null && (!this.#firstLookEnded || this.#slots.size >= this.#settings.subjectsMax);
    const message = `The mapping of ${subject} version ${version} is in force.`;
    this.#parts.log[isExpected ? 'debug' : 'info']({ subject, version, was }, message);
  }

  /** One alarm for what is wrong with a version, however often it is judged. */
  #refuse(slot: Slot, found: MappedVersion, { error, problems }: Fault, tables: TableSchemas): void {
    const { subject, version } = found;
    const { code, message } = error;
    const before = slot.refusal;
    const isKnown = before !== null && isSame(before.found, found) && before.error.message === message;
    const alarm = isKnown
      ? before.alarm
      : { code, subject, version, problems, sinceMs: this.#parts.clock.now() };
    slot.refusal = { found, error, alarm, graphVersion: this.#graphVersion, tables };
    if (isKnown) return;
    const from = slot.reader?.from ?? null;
    const rest = from === null ? '' : `\nVersion ${from.version} of ${from.subject} stays in force.`;
    const inForce = from?.version ?? null;
    this.#parts.log.error(
      { alarm: 'MAPPING_REFUSED', code, subject, version, inForce, problems: problems.map(problemText) },
      `${message}${rest}`,
    );
  }

  /** Of all subjects but one. */
  #declarations(except: Slot | null): readonly GraphDeclarations[] {
    return [...this.#slots.values()].flatMap((slot) =>
      slot === except || slot.reader === null ? [] : [slot.reader.declarations],
    );
  }
}

function areSame(a: TableSchemas, b: TableSchemas): boolean {
  return a.size === b.size && [...a].every(([topic, { text }]) => b.get(topic)?.text === text);
}
