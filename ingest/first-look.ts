import { JourneyGraphError } from '../foundation/index.ts';
import type { MappedVersion, TableSchemas } from '../schemas/index.ts';
import { contradicts, type Reader, type Verdict } from './mapping-judge.ts';

/** A version and the tables that it looks rows up in. */
export interface Candidate {
  readonly found: MappedVersion;
  readonly tables: TableSchemas;
}

/** Rounds over all contenders: one more for each that steps back to an older version, or withdraws. */
const roundsMax = 100;

/** A subject that is looked at for the first time: its newest version, and behind it those that may stand in for it. */
export class Contender {
  readonly subject: string;
  readonly newest: Candidate;
  readonly #compile: (candidate: Candidate) => Verdict;
  readonly #load: () => Promise<readonly Candidate[]>;
  #older: readonly Candidate[] | null = null;
  #next = 0;
  /** Of the version that it stands for now; null when none compiles. */
  #reader: Reader | null = null;
  #failure: JourneyGraphError | null = null;

  constructor(
    subject: string,
    newest: Candidate,
    compile: (candidate: Candidate) => Verdict,
    load: () => Promise<readonly Candidate[]>,
  ) {
    this.subject = subject;
    this.newest = newest;
    this.#compile = compile;
    this.#load = load;
  }

  get reader(): Reader | null {
    return this.#reader;
  }

  /** Why it withdrew from the election: what could stand in for it was not to be had. */
  get failure(): JourneyGraphError | null {
    return this.#failure;
  }

  /** Those that were read; none while the newest was fit. */
  get older(): readonly Candidate[] {
    return this.#older ?? [];
  }

  async begin(): Promise<void> {
    const verdict = this.#compile(this.newest);
    if (verdict.ok) this.#reader = verdict.reader;
    else await this.stepBack();
  }

  /** To the next older version that compiles. False when there is none: it stays with what it has. Throws as the registry does. */
  async stepBack(): Promise<boolean> {
    this.#older ??= await this.#load();
    for (const candidate of this.#older.slice(this.#next)) {
      this.#next += 1;
      const verdict = this.#compile(candidate);
      if (!verdict.ok) continue;
      this.#reader = verdict.reader;
      return true;
    }
    return false;
  }

  /** As `stepBack`, but for what the registry throws: that is this subject's alone, and must not end the election of the others. */
  async giveIn(): Promise<boolean> {
    try {
      return await this.stepBack();
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      this.#failure = error;
      this.#reader = null;
      return true;
    }
  }
}

/**
 * Who is in force at the start, when nothing is remembered of what was: the version that was registered first wins over one that
 * contradicts it, as it did in a process that was running meanwhile. A subject whose version loses stands for an older one of its own,
 * which may have been there before the winner's, so everybody is judged again.
 */
export async function elect(
  contenders: readonly Contender[],
  giveWay: () => Promise<void>,
): Promise<ReadonlyMap<string, Reader>> {
  let elected = new Map<string, Reader>();
  for (let round = 0; round < roundsMax; round += 1) {
    const result = await electOnce(contenders, giveWay);
    elected = result.elected;
    if (result.ended) break;
  }
  return elected;
}

async function electOnce(
  contenders: readonly Contender[],
  giveWay: () => Promise<void>,
): Promise<{ readonly elected: Map<string, Reader>; readonly ended: boolean }> {
  const elected = new Map<string, Reader>();
  const standing = contenders.flatMap((contender) =>
    contender.reader === null ? [] : [{ contender, reader: contender.reader }],
  );
  for (const { contender, reader } of standing.sort((a, b) => registeredFirst(a.reader, b.reader))) {
    await giveWay();
    const others = [...elected.values()].map(({ declarations }) => declarations);
    if (!contradicts(reader.declarations, others)) elected.set(contender.subject, reader);
    else if (await contender.giveIn()) return { elected, ended: false };
  }
  return { elected, ended: true };
}

function registeredFirst({ from: a }: Reader, { from: b }: Reader): number {
  return a.schemaId - b.schemaId || (a.subject < b.subject ? -1 : 1);
}
