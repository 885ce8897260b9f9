import { must, unreachable } from '../../foundation/index.ts';
import { holds, type Predicate } from '../where/predicate.ts';
import type { RunParts } from './candidates.ts';
import { type Condition, conditionText, type Definition, propertiesIn } from './condition.ts';
import { Membership } from './membership.ts';

/** One condition of a definition as it is now for one member. */
export interface ExplainedCondition {
  /** Where it stands, such as `all[0].any[1]`; empty for the whole. */
  readonly path: string;
  readonly condition: string;
  readonly holdsNow: boolean;
  /** What decides it: the occurrences that count, up to as many as are asked for, or the properties that are compared. */
  readonly found: Readonly<Record<string, unknown>> | null;
}

export interface AudienceExplanation {
  /** When it was frozen. This never changes. */
  readonly wasMember: boolean;
  /** Were it frozen anew with the same times. */
  readonly holdsNow: boolean;
  readonly difference: 'NONE' | 'NO_LONGER_HOLDS' | 'HOLDS_SINCE';
  readonly conditions: readonly ExplainedCondition[];
}

export async function explainMember(
  parts: Omit<RunParts, 'budget'>,
  definition: Definition,
  memberId: string,
  wasMember: boolean,
): Promise<AudienceExplanation> {
  const conditions: ExplainedCondition[] = [];
  const membership = new Membership({ ...parts, sets: new Map() });
  const there = (await membership.existing([memberId])).length === 1;
  const held = await explain({ parts, membership, memberId, conditions }, definition.where, '');
  const holdsNow = there && held;
  const difference = wasMember === holdsNow ? 'NONE' : wasMember ? 'NO_LONGER_HOLDS' : 'HOLDS_SINCE';
  return { wasMember, holdsNow, difference, conditions };
}

interface Explaining {
  readonly parts: Omit<RunParts, 'budget'>;
  readonly membership: Membership;
  readonly memberId: string;
  readonly conditions: ExplainedCondition[];
}

/** In the order in which they are written, the whole before its parts. */
async function explain(to: Explaining, condition: Condition, path: string): Promise<boolean> {
  const at = to.conditions.length;
  const { holdsNow, found } = await outcome(to, condition, path);
  to.conditions.splice(at, 0, { path, condition: conditionText(condition), holdsNow, found });
  return holdsNow;
}

async function outcome(
  to: Explaining,
  condition: Condition,
  path: string,
): Promise<Pick<ExplainedCondition, 'holdsNow' | 'found'>> {
  const { membership, memberId } = to;
  const below = (part: string): string => (path === '' ? part : `${path}.${part}`);
  switch (condition.kind) {
    case 'all':
    case 'any': {
      const held: boolean[] = [];
      for (const [i, one] of condition.of.entries())
        held.push(await explain(to, one, below(`${condition.kind}[${i}]`)));
      const holdsNow = condition.kind === 'all' ? held.every(Boolean) : held.some(Boolean);
      return { holdsNow, found: null };
    }
    case 'not':
      return { holdsNow: !(await explain(to, condition.of, below('not'))), found: null };
    case 'did': {
      const occurrences = await membership.occurrencesOf(condition, memberId);
      const targets = must(to.parts.targets.get(condition), 'targets are found before').count;
      return { holdsNow: occurrences >= condition.atLeast, found: { occurrences, targets } };
    }
    case 'member':
      return await ofProperties(to, condition.where);
    case 'audience': {
      const found = await membership.holding(condition, [memberId]);
      return { holdsNow: found.length === 1, found: null };
    }
    default:
      return unreachable(condition);
  }
}

async function ofProperties(
  { parts, memberId }: Explaining,
  where: Predicate,
): Promise<Pick<ExplainedCondition, 'holdsNow' | 'found'>> {
  const names = propertiesIn(where);
  const [values] = await parts.reader.bulk.properties({ type: parts.memberType, ids: [memberId], names });
  if (values == null) return { holdsNow: false, found: null };
  const read = (name: string) => values.find((one) => one.name === name)?.value;
  const found = Object.fromEntries(names.map((name) => [name, read(name) ?? null]));
  return { holdsNow: holds(where, read), found };
}
