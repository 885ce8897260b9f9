import {
  type GraphQLFieldConfig,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  isObjectType,
} from 'graphql';
import { must } from '../../foundation/index.ts';
import type { ApiContext } from '../api-context.ts';
import { noExtension, type SchemaExtension } from '../api-extension.ts';
import type { Reads } from '../policy/reads.ts';
import { createSchema } from '../schema.ts';
import { emptyPlan, type TypedPlan } from '../typed-plan.ts';
import { entitiesField } from './entities-field.ts';
import { subgraphSdl } from './subgraph-sdl.ts';

interface Service {
  readonly sdl: () => string;
}

const serviceType = new GraphQLObjectType<Service>({
  name: '_Service',
  fields: { sdl: { type: GraphQLString, resolve: ({ sdl }) => sdl() } },
});

/** The schema of a plan as a subgraph of Apollo Federation 2: the same, and what a router needs. */
export function createSubgraphSchema(
  plan: TypedPlan = emptyPlan,
  extension: SchemaExtension = noExtension,
): GraphQLSchema {
  const own = createSchema(plan, extension);
  const query = must(own.getQueryType(), 'the API has a query type');
  const types = plan.nodes.map(({ name }) => own.getType(name)).filter(isObjectType);
  const { fields, ...rest } = query.toConfig();
  const federated = new GraphQLObjectType<unknown, ApiContext>({
    ...rest,
    fields: {
      ...fields,
      _service: serviceField(own, new Set(types.map(({ name }) => name))),
      // A union of nothing is no type.
      ...(types.length === 0 ? {} : { _entities: entitiesField(plan.nodes, types) }),
    },
  });
  const config = own.toConfig();
  const others = config.types.filter((type) => type !== query);
  return new GraphQLSchema({ ...config, query: federated, types: [federated, ...others] });
}

/** The text is made when somebody asks, once for each schema. */
function serviceField(
  own: GraphQLSchema,
  entities: ReadonlySet<string>,
): GraphQLFieldConfig<unknown, ApiContext> {
  let text: string | null = null;
  const service: Service = {
    sdl: () => {
      text ??= subgraphSdl(own, entities);
      return text;
    },
  };
  return {
    type: new GraphQLNonNull(serviceType),
    description: 'For routers: the schema of this subgraph.',
    extensions: { reads: { operation: null } satisfies Reads },
    resolve: () => service,
  };
}
