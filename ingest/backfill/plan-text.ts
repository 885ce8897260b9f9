import { countText, unreachable } from '../../foundation/index.ts';
import type { PlanWarning } from './backfill-plan.ts';

/** A sentence for people. */
export function warningText(warning: PlanWarning): string {
  switch (warning.kind) {
    case 'mapping-differs': {
      const applied = warning.applied.join(', ');
      return `Events of ${warning.subject} are in the graph by version ${applied} of its mapping, and would be written by version ${warning.version}.`;
    }
    case 'look-ups':
      return `The mapping of ${warning.subject} looks rows up in ${warning.tables.join(', ')}: what they say today would be written.`;
    case 'gap':
      return `No file has offsets ${warning.from} to ${warning.until - 1n} of partition ${warning.partition}, between ${warning.before} and ${warning.behind}.`;
    case 'overlap':
      return `Offsets ${warning.from} to ${warning.until - 1n} of partition ${warning.partition} may lie in both ${warning.files.join(' and ')}: equal rows count once.`;
    case 'holes':
      return `${countText(Number(warning.offsets))} offsets of partition ${warning.partition} have no row within the files: compaction, aborted transactions, or loss.`;
    case 'hidden':
      return `Of ${warning.types.join(', ')} time to live hides what is older than ${dayText(warning.beforeMs)}: it would be written and never seen.`;
    case 'expired':
      return `${countText(warning.files)} files with ${countText(warning.rows)} rows are left out, because time to live would hide all of them.`;
    case 'tombstones':
      return `Of ${warning.types.join(', ')} something was deleted, and what is older than ${dayText(warning.beforeMs)} may have lost its tombstones.`;
    case 'own-life':
      return warning.isWhole
        ? 'This shadow cannot be switched to: the live graph has no position of this topic, so events would not go on from where the archive ends.'
        : 'This shadow cannot be switched to: only a whole replay, without a filter and without --allow-gaps and --skip-expired, moves the positions of its topic.';
    case 'begins-late':
      return `The archive begins at offset ${warning.from} of partition ${warning.partition}: what lies before is not in it, and will not be in the shadow.`;
    default:
      return unreachable(warning);
  }
}

function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
