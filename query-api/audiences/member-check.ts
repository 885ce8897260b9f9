import type { NodeCheck } from '../../graph-store/index.ts';
import { holds, type Predicate, type ValueOf } from '../where/predicate.ts';

/** What a condition on a member's own properties says, in whichever thread asks. */
export function checkOf(where: Predicate): NodeCheck {
  let values: Parameters<NodeCheck>[0] = [];
  // One function for all of them: this is asked of each of a million.
  const read: ValueOf = (name) => {
    for (const one of values) if (one.name === name) return one.value;
    return undefined;
  };
  return (properties) => {
    values = properties;
    return holds(where, read);
  };
}
