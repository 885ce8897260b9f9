import type { ObjectStore } from '../../archive/index.ts';
import { JourneyGraphError, RefusedError, StopError } from '../../foundation/index.ts';
import type { Fates } from '../../graph-store/index.ts';
import { noFates } from '../pipeline-status.ts';
import type { Cut } from './archive-source.ts';
import { type BackfillPlan, decodePlan, encodePlan } from './backfill-plan.ts';

/** What survives the process. `running` in a process that does not run it: it was killed, and may go on. */
export type JournalState = 'planned' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

export interface JournalEntry {
  readonly state: JournalState;
  /** Of `failed`. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly changedMs: number;
  /** Time spent applying, all runs together. */
  readonly activeMs: number;
  /** Of what the replay applied, for who cannot ask its graph. */
  readonly fates: Fates;
  /** What the graph counted at the replay's positions when it first began: of the topic's own, what others applied. */
  readonly fatesBefore: Fates | null;
  /** By partition: how many rows lie before an offset that is durable. Which offset comes next is the store's to say. */
  readonly cuts: ReadonlyMap<number, Cut>;
}

export const plannedEntry: JournalEntry = {
  state: 'planned',
  failure: null,
  changedMs: 0,
  activeMs: 0,
  fates: noFates,
  fatesBefore: null,
  cuts: new Map(),
};

const planSuffix = '.plan.json';
const idPattern = /^[0-9a-f]{32}$/;
const fileBytesMax = 64 * 2 ** 20;

/** Plans and what became of them, two small files each. Nothing of it decides which rows are applied. */
export class BackfillJournal {
  readonly #files: ObjectStore;

  /** In the data folder's `backfill`. */
  constructor(files: ObjectStore) {
    this.#files = files;
  }

  /** Durable when it resolves. Frozen again, the first one stays. */
  async freeze(plan: BackfillPlan): Promise<void> {
    await this.#files.create(`${plan.id}${planSuffix}`, encodePlan(plan));
  }

  /** @throws RefusedError `BACKFILL_UNKNOWN`; StopError `BACKFILL_PLAN_DAMAGED`. */
  async plan(id: string): Promise<BackfillPlan> {
    const bytes = idPattern.test(id) ? await this.#read(`${id}${planSuffix}`) : null;
    if (bytes === null)
      throw new RefusedError(
        'BACKFILL_UNKNOWN',
        `There is no plan ${id.slice(0, 64)}: \`jg backfill status\` lists them.`,
      );
    return decodePlan(bytes, id);
  }

  async ids(): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const { key } of this.#files.list(''))
      if (key.endsWith(planSuffix)) ids.push(key.slice(0, -planSuffix.length));
    return ids;
  }

  async entry(id: string): Promise<JournalEntry> {
    const bytes = await this.#read(entryKey(id));
    return bytes === null ? plannedEntry : decodeEntry(bytes, id);
  }

  async write(id: string, entry: JournalEntry): Promise<void> {
    const row = {
      ...entry,
      cuts: [...entry.cuts].map(([partition, cut]) => ({ partition, ...cut, at: String(cut.at) })),
    };
    await this.#files.replace(entryKey(id), Buffer.from(`${JSON.stringify(row)}\n`));
  }

  /** Of a plan that runs nowhere: nobody can resume it. In this order, so that after a crash it is still listed, and no verdict waits unseen for the next plan of that id. */
  async forget(id: string): Promise<void> {
    await this.#files.remove(entryKey(id));
    await this.#files.remove(`${id}${planSuffix}`);
  }

  async #read(key: string): Promise<Uint8Array | null> {
    try {
      return await this.#files.read(key, 0, fileBytesMax);
    } catch (error) {
      if (error instanceof JourneyGraphError && error.code === 'OBJECT_MISSING') return null;
      throw error;
    }
  }
}

function entryKey(id: string): string {
  return `${id}.state.json`;
}

interface EntryJson extends Omit<JournalEntry, 'cuts'> {
  readonly cuts: readonly (Omit<Cut, 'at'> & { readonly partition: number; readonly at: string })[];
}

function decodeEntry(bytes: Uint8Array, id: string): JournalEntry {
  try {
    const row: EntryJson = JSON.parse(Buffer.from(bytes).toString());
    const cuts = row.cuts.map(({ partition, at, read, duplicates, outside }) => {
      return [partition, { at: BigInt(at), read, duplicates, outside }] as const;
    });
    return { ...row, cuts: new Map(cuts) };
  } catch (cause) {
    const message = `What became of the backfill ${id} cannot be read: remove ${entryKey(id)}, then run it again; it goes on where the graph is.`;
    throw new StopError('BACKFILL_STATE_DAMAGED', message, { cause });
  }
}
