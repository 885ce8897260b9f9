import type { StageKind } from '../live-event.ts';
import type { CommandKind } from './live-command.ts';

/** Where an event is, or that there is none. */
export type StateKind = 'none' | StageKind;

/** Whether a command may be looked at more closely, or why not. */
export type Verdict = 'goes' | 'unknown' | 'exists' | 'over';

type Row = Readonly<Record<StateKind, Verdict>>;

/** While something is still to come. */
const open = { announced: 'goes', lobby: 'goes', live: 'goes', custom: 'goes' } as const;

/**
 * Every command in every state. What was cancelled or is in its last stage is over; what has ended may only go over into its replay, be it at another time.
 * The plan of what is shown then may still be corrected, but not for whom it was.
 */
export const transitions: Readonly<Record<CommandKind, Row>> = {
  create: {
    none: 'goes',
    announced: 'exists',
    lobby: 'exists',
    live: 'exists',
    custom: 'exists',
    ended: 'exists',
    replay: 'exists',
    cancelled: 'exists',
  },
  reschedule: { none: 'unknown', ...open, ended: 'goes', replay: 'over', cancelled: 'over' },
  advance: { none: 'unknown', ...open, ended: 'goes', replay: 'over', cancelled: 'over' },
  end: { none: 'unknown', ...open, ended: 'over', replay: 'over', cancelled: 'over' },
  cancel: { none: 'unknown', ...open, ended: 'over', replay: 'over', cancelled: 'over' },
  plan: { none: 'unknown', ...open, ended: 'goes', replay: 'goes', cancelled: 'over' },
  audience: { none: 'unknown', ...open, ended: 'over', replay: 'over', cancelled: 'over' },
  clock: { none: 'unknown', ...open, ended: 'goes', replay: 'over', cancelled: 'over' },
};
