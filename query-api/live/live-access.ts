import type { SteadyTime } from '../../foundation/index.ts';
import type { StepCursors } from './step-cursor.ts';
import type { StepFeed } from './step-feed.ts';
import type { CutOff, SubscriptionLimits } from './step-subscription.ts';

/** What a subscription gets beyond what a query does. */
export interface LiveAccess {
  readonly feed: StepFeed;
  readonly cursors: StepCursors;
  readonly limits: SubscriptionLimits;
  readonly steadyMs: SteadyTime;
  /** Closes the socket: its client has to connect again and go on behind the last cursors. */
  readonly cut: (why: CutOff) => void;
}
