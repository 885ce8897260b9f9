import {
  GraphQLEnumType,
  GraphQLID,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import { didYouMean } from '../../foundation/index.ts';
import type { NodeRef } from '../../graph-store/index.ts';
import type { GraphSchema } from '../../schemas/index.ts';
import { badInput } from '../api-error.ts';
import { checkTypeName, readNodeRef } from '../node-arguments.ts';
import { nodeRefInput } from '../node-type.ts';
import { dateTimeScalar } from '../scalars.ts';
import { readWhere, type WhereInput, whereInput } from '../where/where-input.ts';
import type { Condition, Definition, Targets } from './condition.ts';

/** As GraphQL gives it. */
export interface AudienceWhereInput {
  readonly all?: readonly AudienceWhereInput[] | null;
  readonly any?: readonly AudienceWhereInput[] | null;
  readonly not?: AudienceWhereInput | null;
  readonly did?: AudienceDidInput | null;
  readonly member?: WhereInput | null;
  readonly inAudience?: string | null;
}

interface AudienceDidInput {
  readonly edge: string;
  readonly direction: 'out' | 'in';
  readonly since?: number | null;
  readonly until?: number | null;
  readonly within?: string | null;
  readonly to: AudienceTargetInput;
  readonly where?: WhereInput | null;
  readonly atLeast: number;
}

interface AudienceTargetInput {
  readonly nodes?: readonly NodeRef[] | null;
  readonly type?: string | null;
  readonly where?: WhereInput | null;
  readonly reached?: {
    readonly from: readonly NodeRef[];
    readonly edge: string;
    readonly direction: 'out' | 'in';
  } | null;
}

/** Not `LinkDirection`, which is answered: were both directions ever to be asked for at once, that one would not have a third value. */
const directionType = new GraphQLEnumType({
  name: 'AudienceDirection',
  values: {
    OUT: { value: 'out', description: 'Leads from the node that is spoken of.' },
    IN: { value: 'in', description: 'Leads to it.' },
  },
});

const text = { type: new GraphQLNonNull(GraphQLString) };
const direction = { type: new GraphQLNonNull(directionType), defaultValue: 'out' };
const nodeList = new GraphQLList(new GraphQLNonNull(nodeRefInput));

const reachedInput = new GraphQLInputObjectType({
  name: 'AudienceReached',
  description:
    'Nodes of a type that an edge joins to some, such as all titles with an edge PART_OF to a franchise.',
  fields: { from: { type: new GraphQLNonNull(nodeList) }, edge: text, direction },
});

const targetInput = new GraphQLInputObjectType({
  name: 'AudienceTarget',
  description:
    'The other end: either `nodes`, or a `type` alone (any node of it), with `where` (those that hold a condition) or with `reached`.',
  fields: {
    nodes: { type: nodeList },
    type: { type: GraphQLString, description: 'Node type, such as `Title`.' },
    where: {
      type: whereInput,
      description:
        'Properties of the target. All nodes of the type are looked at, so it is for types that have few.',
    },
    reached: { type: reachedInput },
  },
});

const didInput = new GraphQLInputObjectType({
  name: 'AudienceDid',
  description: 'The member has at least so many occurrences of an edge to any of the targets, in a time.',
  fields: {
    edge: { ...text, description: 'Edge type, such as `WATCHED`.' },
    direction: { ...direction, description: 'As the member sees it.' },
    since: { type: dateTimeScalar },
    until: { type: dateTimeScalar },
    within: {
      type: GraphQLString,
      description:
        'Instead of `since`: so long before now, such as `90d`, `12h` or `30m`. Neither: the default lookback.',
    },
    to: { type: new GraphQLNonNull(targetInput) },
    where: { type: whereInput, description: "Properties of the edge's occurrence." },
    atLeast: { type: new GraphQLNonNull(GraphQLInt), defaultValue: 1 },
  },
});

export const audienceWhereInput: GraphQLInputObjectType = new GraphQLInputObjectType({
  name: 'AudienceWhere',
  description: 'Who belongs to an audience. All that one object says has to hold.',
  fields: () => ({
    all: { type: new GraphQLList(new GraphQLNonNull(audienceWhereInput)) },
    any: { type: new GraphQLList(new GraphQLNonNull(audienceWhereInput)) },
    not: { type: audienceWhereInput },
    did: { type: didInput },
    member: { type: whereInput, description: 'Properties of the member itself.' },
    inAudience: { type: GraphQLID, description: 'A member of this audience, which is frozen.' },
  }),
});

export const conditionsMax = 64;
const depthMax = 8;
const targetsMax = 1000;
const reachedFromMax = 100;
const atLeastMax = 10_000;
const within = /^([1-9]\d{0,5})([dhm])$/;
const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000 } as const;

export interface InputContext {
  readonly nowMs: number;
  readonly lookbackMs: number;
  /** Where it knows edge types, another one is a slip of the pen. */
  readonly schema: GraphSchema;
}

/** Checked before anything is read. Throws a GraphQLError `BAD_USER_INPUT` that names the argument. */
export function readDefinition(
  memberType: string,
  input: AudienceWhereInput,
  context: InputContext,
): Definition {
  checkTypeName('memberType', memberType, 'the name of a node type, such as Account');
  return { memberType, where: readCondition('where', input, context) };
}

/** As {@link readDefinition}, of a condition that goes without a member's type. */
export function readCondition(argument: string, input: AudienceWhereInput, context: InputContext): Condition {
  return new Reading(context).condition(argument, input, 1);
}

class Reading {
  readonly #context: InputContext;
  #left = conditionsMax;

  constructor(context: InputContext) {
    this.#context = context;
  }

  condition(argument: string, input: AudienceWhereInput, depth: number): Condition {
    this.#left -= 1;
    if (this.#left < 0) throw badInput('where', `at most ${conditionsMax} conditions`);
    if (depth > depthMax) throw badInput('where', `conditions at most ${depthMax} deep`);
    const nested = (name: string, list: readonly AudienceWhereInput[]): Condition[] =>
      list.map((one, i) => this.condition(`${argument}.${name}[${i}]`, one, depth + 1));
    const of: Condition[] = [];
    if (input.all != null) of.push({ kind: 'all', of: nested('all', input.all) });
    if (input.any != null) of.push({ kind: 'any', of: nested('any', input.any) });
    if (input.not != null)
      of.push({ kind: 'not', of: this.condition(`${argument}.not`, input.not, depth + 1) });
    if (input.did != null) of.push(this.#did(`${argument}.did`, input.did));
    if (input.member != null)
      of.push({ kind: 'member', where: readWhere(`${argument}.member`, input.member) });
    if (input.inAudience != null) of.push({ kind: 'audience', id: input.inAudience });
    const [only] = of;
    if (only === undefined) throw badInput(argument, 'one of all, any, not, did, member and inAudience');
    return of.length === 1 ? only : { kind: 'all', of };
  }

  #did(argument: string, input: AudienceDidInput): Condition {
    const { nowMs, lookbackMs } = this.#context;
    if (input.since != null && input.within != null)
      throw badInput(`${argument}.within`, '`since` or `within`, not both');
    const untilMs = input.until ?? Number.MAX_SAFE_INTEGER;
    const sinceMs =
      input.since ??
      Math.max(0, nowMs - (input.within == null ? lookbackMs : spanOf(argument, input.within)));
    if (sinceMs >= untilMs) throw badInput(`${argument}.until`, 'a time after `since`');
    if (input.atLeast < 1 || input.atLeast > atLeastMax)
      throw badInput(`${argument}.atLeast`, `1 to ${atLeastMax}`);
    return {
      kind: 'did',
      edge: this.#edge(`${argument}.edge`, input.edge),
      direction: input.direction,
      sinceMs,
      ...(input.since == null ? { within: input.within ?? null } : {}),
      untilMs,
      to: this.#targets(`${argument}.to`, input.to),
      where: input.where == null ? null : readWhere(`${argument}.where`, input.where),
      atLeast: input.atLeast,
    };
  }

  #edge(argument: string, edge: string): string {
    checkTypeName(argument, edge, 'the name of an edge type, such as WATCHED');
    const names = this.#context.schema.edgeTypes.map(({ name }) => name);
    if (names.length > 0 && !names.includes(edge))
      throw badInput(argument, `an edge type of the graph schema${didYouMean(edge, names)}`);
    return edge;
  }

  #targets(argument: string, { nodes, type, where, reached }: AudienceTargetInput): Targets {
    if (nodes != null) {
      if (type != null || where != null || reached != null)
        throw badInput(argument, 'either `nodes` or a `type`');
      return { kind: 'nodes', nodes: refs(`${argument}.nodes`, nodes, targetsMax) };
    }
    if (type == null) throw badInput(argument, 'either `nodes` or a `type`');
    checkTypeName(`${argument}.type`, type, 'the name of a node type, such as Title');
    if (where != null && reached != null)
      throw badInput(argument, 'a `type` with `where` or with `reached`, not both');
    if (where != null) return { kind: 'where', type, where: readWhere(`${argument}.where`, where) };
    if (reached == null) return { kind: 'any', type };
    return {
      kind: 'reached',
      from: refs(`${argument}.reached.from`, reached.from, reachedFromMax),
      edge: this.#edge(`${argument}.reached.edge`, reached.edge),
      direction: reached.direction,
      type,
    };
  }
}

function refs(argument: string, given: readonly NodeRef[], max: number): readonly NodeRef[] {
  if (given.length === 0 || given.length > max) throw badInput(argument, `1 to ${max} nodes`);
  return given.map(({ type, id }) => readNodeRef(`${argument}.type`, `${argument}.id`, type, id));
}

function spanOf(argument: string, given: string): number {
  const [, count, unit] = within.exec(given) ?? [];
  if (count === undefined || (unit !== 'd' && unit !== 'h' && unit !== 'm'))
    throw badInput(`${argument}.within`, 'a time such as 90d, 12h or 30m');
  return Number(count) * unitMs[unit];
}
