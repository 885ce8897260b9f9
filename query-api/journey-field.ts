import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import {
  type JourneyQuery,
  type JourneyRows,
  journeyRowsOf,
  type NodeRef,
  type StepView,
  type TimeOrder,
  type TimePosition,
} from '../graph-store/index.ts';
import type { ApiContext, QueryLimits } from './api-context.ts';
import { badInput } from './api-error.ts';
import { costOfRefused, type FieldCost } from './cost/field-cost.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { alone, type FoldedStep, foldRepeats } from './journey/fold-repeats.ts';
import { boundsOf } from './journey/page-bounds.ts';
import { journeyTablePath } from './journey-table.ts';
import {
  type JourneyAnswer,
  journeyConnectionType,
  journeyOrderType,
  type LimitKind,
  type StepAnswer,
} from './journey-type.ts';
import { readNodeRef } from './node-arguments.ts';
import { nodeRefInput, PropertiesAnswer } from './node-type.ts';
import { openEndMs } from './open-end.ts';
import { dateTimeScalar } from './scalars.ts';

interface JourneyArguments extends StepsArguments {
  readonly of: { readonly type: string; readonly id: string };
}

interface StepsArguments {
  readonly since?: number | null;
  readonly until?: number | null;
  readonly domains?: readonly string[] | null;
  readonly edgeTypes?: readonly string[] | null;
  readonly first?: number | null;
  readonly after?: string | null;
  readonly order: TimeOrder;
  readonly foldRepeats?: boolean | null;
}

const namesMax = 32;
const nameLengthMax = 128;
/** A step may hold as much text as its event did, and a page is held in memory several times over while it is answered. */
export const pageBytesMax = 4 * 2 ** 20;

/** Which steps of a journey, whosever it is. */
const stepsArguments: GraphQLFieldConfigArgumentMap = {
  since: {
    type: dateTimeScalar,
    description: 'From this time on; the default lookback before `until` or now otherwise.',
  },
  until: { type: dateTimeScalar, description: 'Before this time.' },
  domains: { type: new GraphQLList(new GraphQLNonNull(GraphQLString)), description: 'Only these domains.' },
  edgeTypes: {
    type: new GraphQLList(new GraphQLNonNull(GraphQLString)),
    description: 'Only steps that link to a node by one of these edge types, such as `WATCHED`.',
  },
  first: { type: GraphQLInt, description: 'Steps in the page.' },
  after: { type: GraphQLString, description: 'A cursor of an earlier page.' },
  order: { type: new GraphQLNonNull(journeyOrderType), defaultValue: 'oldest-first' },
  foldRepeats: {
    type: new GraphQLNonNull(GraphQLBoolean),
    defaultValue: false,
    description: 'Steps in a row of one action with the same links become one: see `repeats`.',
  },
};

/** Before enough journeys were read to know. */
const rowsPerStepGuess = 8;

/** One read: as many rows as journeys of late looked at for a page of this size, and never more than one may. */
const costOfJourney: FieldCost<StepsArguments> = ({ first, domains, edgeTypes }, { limits, degrees }) => {
  const steps = first ?? limits.pageDefault;
  if (steps < 1 || steps > limits.pageMax) return costOfRefused();
  const seen = degrees.rowsPerStep?.(domains == null && edgeTypes == null ? 'all' : 'some') ?? null;
  const rows = Math.ceil(steps * (seen ?? rowsPerStepGuess));
  return {
    own: { calls: 1, rows: Math.min(rows, limits.scanRowsMax) },
    objects: steps,
    cheaper: [{ argument: 'first', value: steps, least: 1 }],
  };
};

/** `journey(of, since, until, domains, first, after, order)`: one bounded read of the store, whatever is asked. */
export const journeyField: GraphQLFieldConfig<unknown, ApiContext, JourneyArguments> = {
  type: new GraphQLNonNull(journeyConnectionType),
  description: 'What a member has been doing, step by step, across all domains.',
  args: {
    of: { type: new GraphQLNonNull(nodeRefInput), description: "The steps' owner." },
    ...stepsArguments,
  },
  resolve: async (_source, input, context): Promise<JourneyAnswer> => await readJourney(input, context),
  extensions: { cost: costOfJourney },
};

/** `journey(since, until, domains, first, after, order)` of a node that has been read: one more bounded read. */
export const nodeJourneyField: GraphQLFieldConfig<{ readonly node: NodeRef }, ApiContext, StepsArguments> = {
  type: new GraphQLNonNull(journeyConnectionType),
  description: 'What it has been doing, step by step, across all domains.',
  args: stepsArguments,
  resolve: async ({ node }, input, context): Promise<JourneyAnswer> =>
    await readJourney({ ...input, of: node }, context),
  extensions: { cost: costOfJourney },
};

async function readJourney(input: JourneyArguments, context: ApiContext): Promise<JourneyAnswer> {
  const query = planJourney(input, context.limits, context.clock.now());
  context.steps.take(query.limit);
  context.reads.take();
  const { reader } = context;
  const rows = reader.journeyRows?.(query);
  const page = rows === undefined ? journeyRowsOf(await reader.journey(query)) : await rows;
  return answer(query, page, input.foldRepeats === true, context);
}

/** Every limit is settled here, before the store is asked. */
export function planJourney(input: JourneyArguments, limits: QueryLimits, nowMs: number): JourneyQuery {
  const untilMs = input.until ?? openEndMs;
  if (untilMs < 0) throw badInput('until', 'a time from 1970 on');
  const sinceMs = input.since ?? Math.max(0, Math.min(untilMs, nowMs) - limits.lookbackMs);
  if (sinceMs < 0) throw badInput('since', 'a time from 1970 on');
  if (sinceMs > untilMs) throw badInput('since', 'a time that is not after `until`');
  return {
    of: readNodeRef('of.type', 'of.id', input.of.type, input.of.id),
    sinceMs,
    untilMs,
    domains: checkNames('domains', input.domains ?? null),
    edgeTypes: checkNames('edgeTypes', input.edgeTypes ?? null),
    order: input.order,
    after: input.after == null ? null : readCursor('after', input.after),
    limit: checkFirst(input.first ?? limits.pageDefault, limits.pageMax),
    scanMax: limits.scanRowsMax,
    bytesMax: pageBytesMax,
  };
}

function checkFirst(first: number, pageMax: number): number {
  if (first < 1 || first > pageMax) throw badInput('first', `1 to ${pageMax}`);
  return first;
}

function checkNames(argument: string, names: readonly string[] | null): readonly string[] | null {
  if (names === null) return null;
  const fits = names.length > 0 && names.length <= namesMax;
  if (!fits || names.some((name) => name === '' || name.length > nameLengthMax)) {
    throw badInput(argument, `1 to ${namesMax} names of at most ${nameLengthMax} characters`);
  }
  return names;
}

function answer(query: JourneyQuery, page: JourneyRows, folds: boolean, context: ApiContext): JourneyAnswer {
  const edges = once(() => edgesOf(page.steps(), folds));
  const last = (): TimePosition | null => page.last ?? page.steps().at(-1) ?? null;
  const limited = limitReached(query, page);
  return {
    edges,
    rows: folds ? null : page.rows,
    pageInfo: {
      hasNextPage: page.more,
      // Relay lets a forward page answer this cheaply: something lies before a page that starts after a cursor.
      hasPreviousPage: query.after !== null,
      startCursor: () => edges()[0]?.cursor() ?? null,
      endCursor: () => {
        const at = last();
        return at === null ? null : writeCursor(at);
      },
    },
    completeness: {
      since: query.sinceMs,
      complete: limited === null,
      truncatedBy: limited?.kind ?? null,
      limit: limited?.value ?? null,
      scanned: page.scanned,
      of: query.of,
      edge: null,
    },
    view: {
      steps: () => page.steps(),
      order: query.order,
      bounds: boundsOf(query, page, context.clock.now()),
    },
    freshness: () => context.status.topics().map(({ topic, freshnessMs }) => ({ topic, freshnessMs })),
    tablePath: () => journeyTablePath(query),
  };
}

function edgesOf(steps: readonly StepView[], folds: boolean): readonly JourneyEdge[] {
  return folds
    ? foldRepeats(steps).map((folded) => new JourneyEdge(folded.step, folded))
    : steps.map((step) => new JourneyEdge(step, null));
}

function once<T>(make: () => readonly T[]): () => readonly T[] {
  let made: readonly T[] | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

/** What is seldom asked for is made where it is: a page has hundreds of these. */
class JourneyEdge {
  readonly node: StepAnswer;
  readonly #step: StepView;
  readonly #folded: FoldedStep | null;

  /** Null: it stands for this step alone. */
  constructor(step: StepView, folded: FoldedStep | null) {
    this.node = stepAnswer(step);
    this.#step = step;
    this.#folded = folded;
  }

  cursor(): string {
    return writeCursor(this.#step);
  }

  repeats(): { readonly count: number; readonly first: number; readonly last: number } {
    const { count, firstMs, lastMs } = this.#folded ?? alone(this.#step);
    return { count, first: firstMs, last: lastMs };
  }
}

function limitReached(
  query: JourneyQuery,
  page: JourneyRows,
): { readonly kind: LimitKind; readonly value: number } | null {
  if (!page.more) return null;
  if (!page.truncated) return { kind: 'PAGE', value: query.limit };
  if (page.scanned >= query.scanMax) return { kind: 'SCAN', value: query.scanMax };
  return { kind: 'BYTES', value: query.bytesMax };
}

export function stepAnswer(step: StepView): StepAnswer {
  const { timeMs, domain, action, owner, links, properties, lineage } = step;
  const shown = new PropertiesAnswer(properties);
  return { time: timeMs, domain, action, owner, links, properties: shown, lineage };
}
