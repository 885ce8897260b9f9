import {
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLFloat,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { StepView } from '../../graph-store/index.ts';
import type { ApiContext } from '../api-context.ts';
import { badInput } from '../api-error.ts';
import { dateTimeScalar } from '../scalars.ts';
import { defaultDeviceType, readDeviceType } from './device-type.ts';
import { inOrder, type JourneyView, oldestFirst } from './journey-view.ts';
import { nodesOfType } from './linked-nodes.ts';
import { type Transition, transitionsOf } from './transitions.ts';

const text = new GraphQLNonNull(GraphQLString);

const transitionType = new GraphQLObjectType<Transition>({
  name: 'JourneyTransition',
  description: 'From one device or domain to another one.',
  fields: {
    from: { type: text, description: 'Id of the device, or name of the domain.' },
    to: { type: text },
    time: {
      type: new GraphQLNonNull(dateTimeScalar),
      description: 'Event time of the first step at `to`.',
      resolve: ({ timeMs }) => timeMs,
    },
    afterMs: {
      type: new GraphQLNonNull(GraphQLFloat),
      description: 'Milliseconds since the last step at `from`.',
    },
  },
});

type Subject = 'device' | 'domain';

const subjectType = new GraphQLEnumType({
  name: 'JourneyTransitionSubject',
  values: {
    DEVICE: { value: 'device', description: 'The first node of the device type that a step links to.' },
    DOMAIN: { value: 'domain' },
  },
});

interface TransitionsArguments {
  readonly of: Subject;
  readonly deviceType?: string | null;
}

/** `transitions(of, deviceType)` of a journey's page: worked out from its steps, without another read. */
export const transitionsField: GraphQLFieldConfig<
  { readonly view: JourneyView },
  ApiContext,
  TransitionsArguments
> = {
  type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(transitionType))),
  description:
    'Where the member went over to another device or domain within the page, in its order; between two pages none is seen.',
  args: {
    of: { type: new GraphQLNonNull(subjectType) },
    deviceType: {
      type: GraphQLString,
      description: `With \`DEVICE\`: which node type the devices are of; \`${defaultDeviceType}\` when none is named and the graph has that.`,
    },
  },
  resolve: ({ view }, { of, deviceType }, { status }): readonly Transition[] => {
    const placeOf = of === 'domain' ? domainOf : deviceOf(deviceType ?? null, status);
    return inOrder(transitionsOf(oldestFirst(view), placeOf), view.order);
  },
};

function domainOf({ domain }: StepView): string {
  return domain;
}

function deviceOf(named: string | null, status: ApiContext['status']): (step: StepView) => string | null {
  const known =
    named !== null || status.graphSchema().nodeTypes.some(({ name }) => name === defaultDeviceType);
  // An empty list would say that nobody ever changed devices.
  if (!known) throw badInput('deviceType', `a node type: the graph has no \`${defaultDeviceType}\``);
  const type = readDeviceType('deviceType', named ?? defaultDeviceType);
  return (step) => nodesOfType(step, type)[0] ?? null;
}
