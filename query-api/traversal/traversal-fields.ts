import type { GraphQLFieldConfigMap } from 'graphql';
import type { ApiContext } from '../api-context.ts';
import { cyclesField, pathsField } from './paths-field.ts';
import { sharedNeighboursField } from './shared-neighbours-field.ts';
import { traverseField } from './traverse-field.ts';

/** The root fields that walk the graph. */
export const traversalFields: GraphQLFieldConfigMap<unknown, ApiContext> = {
  traverse: traverseField,
  paths: pathsField,
  cycles: cyclesField,
  sharedNeighbours: sharedNeighboursField,
};
