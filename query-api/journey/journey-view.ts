import type { StepView, TimeOrder } from '../../graph-store/index.ts';
import type { PageBounds } from './page-bounds.ts';

/** A page as it was read, for what is worked out from it. */
export interface JourneyView {
  /** In the order of the page; made where they are asked for. */
  readonly steps: () => readonly StepView[];
  readonly order: TimeOrder;
  readonly bounds: PageBounds;
}

export function oldestFirst({ steps, order }: JourneyView): readonly StepView[] {
  return inOrder(steps(), order);
}

/** From oldest first to the order of the page, or back. */
export function inOrder<T>(items: readonly T[], order: TimeOrder): readonly T[] {
  return order === 'oldest-first' ? items : [...items].reverse();
}
