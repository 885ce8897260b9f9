import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { OutageError } from '../../foundation/index.ts';
import type { PlanName, RetryPlan, RetryPlans } from './retry-plan.ts';

/** A plan as JSON, whose numbers lose offsets beyond 2^53. */
interface PlanJson {
  readonly cluster: string;
  readonly round: number;
  readonly base: string | null;
  readonly chosen: readonly string[];
  readonly left: readonly string[];
  readonly high: string;
}

/** One small file a partition, replaced as a whole. */
export class RetryPlanFolder implements RetryPlans {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(name: PlanName): Promise<RetryPlan | null> {
    let text: string;
    try {
      text = await readFile(this.#path(name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
      throw failed(this.#path(name), error);
    }
    try {
      const json: PlanJson = JSON.parse(text);
      if (json.cluster !== name.cluster || !Number.isSafeInteger(json.round)) return null;
      const { round, base, high } = json;
      return {
        round,
        base,
        high: BigInt(high),
        chosen: json.chosen.map((offset) => BigInt(offset)),
        left: json.left.map((offset) => BigInt(offset)),
      };
    } catch {
      return null;
    }
  }

  async save(name: PlanName, { round, base, chosen, left, high }: RetryPlan): Promise<void> {
    const path = this.#path(name);
    const json: PlanJson = {
      cluster: name.cluster,
      ...{ round, base, high: String(high) },
      chosen: chosen.map(String),
      left: left.map(String),
    };
    try {
      await mkdir(this.#folder, { recursive: true });
      const temporary = `${path}.partial`;
      await using file = await open(temporary, 'w');
      await file.writeFile(JSON.stringify(json));
      await file.sync();
      await rename(temporary, path);
      await syncFolder(this.#folder);
    } catch (error) {
      throw failed(path, error);
    }
  }

  #path({ topicId, partition }: PlanName): string {
    return join(this.#folder, `${encodeURIComponent(topicId)}.${partition}.json`);
  }
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder);
  } catch (error) {
    // Windows opens no folders; there a rename is durable by itself.
    if (process.platform === 'win32') return;
    throw error;
  }
  await using opened = handle;
  await opened.sync();
}

function failed(path: string, cause: unknown): OutageError {
  return new OutageError(
    'DLQ_PLAN_FAILED',
    `What is to be applied of the dead letters could not be read from or written to ${path}; make room or correct its permissions, then try again.`,
    { cause },
  );
}
