import { assert } from '../../foundation/index.ts';
import { serveBulkReads } from '../../graph-store/index.ts';
import type { Predicate } from '../where/predicate.ts';
import { checkOf } from './member-check.ts';

/** The entry of a thread that reads and checks a share of an audience's candidates: started by `shared-reads.ts`, never imported. */
await serveBulkReads((condition) => {
  assert(isPredicate(condition), 'who asks for a check says what of');
  return checkOf(condition);
});

/** As the other thread made it. */
function isPredicate(condition: unknown): condition is Predicate {
  return typeof condition === 'object' && condition !== null && 'kind' in condition;
}
