/** The public API: what a program needs to read the graph or to tell our errors apart. Everything else may change. */
export {
  BadDataError,
  type ErrorContext,
  FencedError,
  JourneyGraphError,
  OutageError,
  type Reaction,
  RefusedError,
  StopError,
} from './foundation/index.ts';
export type { GraphReader, GraphStore, NodeRef, PropertyValue, StepView } from './graph-store/index.ts';
