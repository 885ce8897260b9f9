import { type GraphQLFieldConfigMap, GraphQLInt, GraphQLList, GraphQLNonNull } from 'graphql';
import { type ApiContext, badInput, forbidden, told } from '../../query-api/index.ts';
import type { LiveEvent } from '../live-event.ts';
import { coverageCost, coveragesCost } from './coverage-cost.ts';
import type { CoverageTracker } from './coverage-tracker.ts';
import { createCoverageType } from './coverage-type.ts';

const coveragesDefault = 10;
const coveragesMax = 64;

/** Fields of a live event. FORBIDDEN to a caller from whom a policy hides anything: the audience, of which they tell, is counted over everybody. */
export function coverageFields(tracker: CoverageTracker): GraphQLFieldConfigMap<LiveEvent, ApiContext> {
  const coverageType = createCoverageType(tracker);
  return {
    coverage: {
      type: coverageType,
      description:
        'How far a broadcast came: the newest, or that of a sequence. Null when nothing is kept of it.',
      extensions: { cost: coverageCost },
      args: { sequence: { type: GraphQLInt } },
      resolve: async ({ id }, { sequence }: { readonly sequence?: number | null }, context) => {
        checkAllowed('coverage', context);
        context.reads.take();
        return await told(() => tracker.coverage(id, sequence ?? null));
      },
    },
    coverages: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(coverageType))),
      description: 'Of the last broadcasts, newest first.',
      extensions: { cost: coveragesCost },
      args: {
        last: {
          type: new GraphQLNonNull(GraphQLInt),
          defaultValue: coveragesDefault,
          description: `At most ${coveragesMax}.`,
        },
      },
      resolve: async ({ id }, { last }: { readonly last: number }, context) => {
        checkAllowed('coverages', context);
        if (last < 1 || last > coveragesMax) throw badInput('last', `1 to ${coveragesMax}`);
        context.reads.take();
        return await told(() => tracker.coverages(id, last));
      },
    },
  };
}

function checkAllowed(field: string, { grant }: ApiContext): void {
  if (grant !== null && !grant.seesEverything) throw forbidden(field);
}
