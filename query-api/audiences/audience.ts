import { RefusedError } from '../../foundation/index.ts';
import type { AudienceRow } from './audience-rows.ts';
import type { Progress } from './candidates.ts';
import { type Definition, encodeDefinition } from './condition.ts';

export interface FreezeRequest {
  /** For people. */
  readonly name: string;
  /** The client's: asking again under it gives the same audience. */
  readonly key: string;
  readonly definition: Definition;
  /** Whoever that was, as far as it is known. */
  readonly askedBy: string | null;
}

/** Runs the building of an audience when its turn has come, and may see how long that takes. */
export type AroundBuilding = (build: () => Promise<void>) => Promise<void>;

/** An audience on its way, or there. */
export type Audience =
  | { readonly state: 'READY'; readonly row: AudienceRow }
  | ({ readonly state: 'BUILDING'; readonly progress: Readonly<Progress> } & Unfinished)
  | ({
      readonly state: 'FAILED';
      readonly failure: { readonly code: string; readonly message: string };
    } & Unfinished);

export interface Unfinished {
  readonly id: string;
  readonly request: FreezeRequest;
  readonly beganMs: number;
}

/** `within` is fixed when an audience is asked for, so a client that asks again means the same with another time. */
export function sameOrRefused(before: Audience, { key, definition }: FreezeRequest): Audience {
  const was = before.state === 'READY' ? before.row.definition : encodeDefinition(before.request.definition);
  if (askedIn(was) === askedIn(encodeDefinition(definition))) return before;
  throw new RefusedError(
    'AUDIENCE_KEY_USED',
    `Another audience was frozen under the key ${JSON.stringify(key)}; use another key, or delete that one.`,
  );
}

/** What was asked, without what followed from when that was. */
function askedIn(definition: string): string {
  return JSON.stringify(JSON.parse(definition), (_name, value: unknown) =>
    typeof value === 'object' && value !== null && 'sinceMs' in value && 'within' in value
      ? { ...value, sinceMs: 0 }
      : value,
  );
}

/** Says what an audience is needed for, such as `live event fight-1`; null when it is not. Must not throw. */
export type AudienceUse = (id: string) => string | null;

/** Throws RefusedError AUDIENCE_IN_USE. */
export function refuseInUse(id: string, uses: Iterable<AudienceUse>): void {
  for (const use of uses) {
    const what = use(id);
    if (what === null) continue;
    throw new RefusedError(
      'AUDIENCE_IN_USE',
      `Audience ${id} is needed by ${what}; give that another audience or plan, or wait until it is over, then delete this one.`,
    );
  }
}
