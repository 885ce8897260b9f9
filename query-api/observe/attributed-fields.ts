import { type GraphQLFieldResolver, type GraphQLSchema, isObjectType, type ResponsePath } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { insideField } from './query-run.ts';

type Resolver = GraphQLFieldResolver<unknown, ApiContext>;

/** Types go from one schema to the next, and each resolver is to be wrapped once. */
const wrapped = new WeakSet<Resolver>();

/** Lets every field that says its cost tell which reads are its own; at the root it gives again what it gave before. Other fields stay as they are. */
export function attributeFields(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const { resolve } = field;
      if (resolve === undefined || wrapped.has(resolve) || field.extensions.cost === undefined) continue;
      const attributed: Resolver = (source, input, context, info) => {
        const { replay } = context;
        if (replay !== undefined && info.path.prev === undefined && replay.has(String(info.path.key)))
          return replay.take(String(info.path.key));
        return insideField(pathOf(info.path), () => resolve(source, input, context, info));
      };
      wrapped.add(attributed);
      field.resolve = attributed;
    }
  }
}

/** Without the places in lists: as a plan has it. */
function pathOf(path: ResponsePath): string {
  const own = typeof path.key === 'string' ? path.key : null;
  if (path.prev === undefined) return own ?? '';
  const outer = pathOf(path.prev);
  return own === null ? outer : outer === '' ? own : `${outer}.${own}`;
}
