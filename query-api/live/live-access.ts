import type { StepCursors } from './step-cursor.ts';
import type { StepFeed } from './step-feed.ts';
import type { SubscriptionLimits } from './step-subscription.ts';

/** What a subscription gets beyond what a query does. */
export interface LiveAccess {
  readonly feed: StepFeed;
  readonly cursors: StepCursors;
  readonly limits: SubscriptionLimits;
  /** Closes the socket: a reader on it is too far behind. */
  readonly tooSlow: () => void;
}
