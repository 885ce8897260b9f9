import type { GraphQLFieldConfigMap } from 'graphql';
import type { ApiContext } from './api-context.ts';
import { audienceFields } from './audiences/audience-fields.ts';
import { edgeField } from './edge-field.ts';
import { createGraphSchemaField } from './graph-schema-field.ts';
import { journeyField } from './journey-field.ts';
import { nodeField } from './node-field.ts';
import { statusField } from './status-field.ts';
import { traversalFields } from './traversal/traversal-fields.ts';
import type { TypedWarning } from './typed-plan.ts';

/** The root fields that are there whatever the graph holds. */
export function ownRootFields(warnings: readonly TypedWarning[]): GraphQLFieldConfigMap<unknown, ApiContext> {
  return {
    node: nodeField,
    edge: edgeField,
    journey: journeyField,
    ...traversalFields,
    status: statusField,
    ...audienceFields,
    graphSchema: createGraphSchemaField(warnings),
  };
}
