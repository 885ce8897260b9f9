import type { GraphQLSchema } from 'graphql';
import type { Clock, Log } from '../foundation/index.ts';
import type { GraphSchema } from '../schemas/index.ts';
import { noExtension, type SchemaExtension } from './api-extension.ts';
import { createSubgraphSchema } from './federation/subgraph-schema.ts';
import { graphNodeFields } from './graph-node-type.ts';
import { ownRootFields } from './root-fields.ts';
import { createSchema } from './schema.ts';
import type { StatusReader } from './status-reader.ts';
import { emptyPlan, planTypes, type TakenNames, type TypedPlan } from './typed-plan.ts';

export interface SchemaInForceParts {
  readonly status: Pick<StatusReader, 'graphSchema'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether it is the schema of a subgraph; absent: no. */
  readonly federation?: boolean;
  /** Root fields of other rooms; absent: none. */
  readonly extension?: SchemaExtension;
}

/** Of all time, what looking may take in the long run, and what it may take at once. */
const lookShare = 0.05;
const lookBurstMs = 200;

function takenNames(extension: SchemaExtension): TakenNames {
  return {
    rootFields: new Set([...Object.keys(ownRootFields([])), ...Object.keys(extension.query)]),
    fields: new Set(Object.keys(graphNodeFields)),
  };
}

/** The schema that a process which knows nothing but this graph schema serves. */
export function schemaOfGraph(graph: GraphSchema, extension: SchemaExtension = noExtension): GraphQLSchema {
  return createSchema(planTypes(graph, emptyPlan, takenNames(extension)), extension);
}

/**
 * The executable schema that goes with the graph schema in force. It is looked after when a request begins, and made anew only
 * when what it says would change: so whoever has seen a mapping in force can use its types with the next request, nothing
 * runs while nobody asks, and a graph schema that changes all the time (more subjects than a process keeps) takes a bounded
 * share of its time.
 */
export class SchemaInForce {
  readonly #parts: SchemaInForceParts;
  readonly #publish: (schema: GraphQLSchema) => void;
  readonly #taken: TakenNames;
  #graph: GraphSchema | null = null;
  #plan: TypedPlan = emptyPlan;
  #lookedMs = 0;
  /** What looking took beyond its share. */
  #debtMs = 0;

  /** `publish` gets each new schema; when it throws, the schema before stays. */
  constructor(parts: SchemaInForceParts, publish: (schema: GraphQLSchema) => void) {
    this.#parts = parts;
    this.#publish = publish;
    this.#taken = takenNames(parts.extension ?? noExtension);
  }

  /** Publishes a schema if another one is due. Never throws. */
  refresh(): void {
    const { status, clock, log } = this.#parts;
    const beganMs = clock.now();
    // A clock that was set back only makes it wait as long as it would have anyway.
    const sinceMs = Math.max(0, beganMs - this.#lookedMs);
    this.#debtMs = Math.max(0, this.#debtMs - sinceMs * lookShare);
    this.#lookedMs = beganMs;
    if (this.#debtMs > lookBurstMs) return;
    try {
      const graph = status.graphSchema();
      if (graph === this.#graph) return;
      // Whatever comes of it: one that cannot be used now could not be used with the next request either.
      this.#graph = graph;
      this.#use(planTypes(graph, this.#plan, this.#taken));
    } catch (error) {
      const message =
        'GraphQL could not be extended by the graph schema; its last good schema stays in force.';
      log.error({ alarm: 'GRAPHQL_SCHEMA_FAILED', error }, message);
    } finally {
      this.#lookedMs = clock.now();
      this.#debtMs += Math.max(0, this.#lookedMs - beganMs);
    }
  }

  #use(plan: TypedPlan): void {
    if (isSame(plan, this.#plan)) return;
    this.#publish(schemaOf(plan, this.#parts));
    const { log } = this.#parts;
    const before = new Set(this.#plan.warnings.map(({ path, sentence }) => `${path} ${sentence}`));
    this.#plan = plan;
    const fields = plan.nodes.reduce((sum, node) => sum + node.fields.length, 0);
    log.debug({ types: plan.nodes.length, fields }, 'GraphQL follows the graph schema.');
    for (const { path, sentence } of plan.warnings) {
      if (!before.has(`${path} ${sentence}`)) log.warn({ path }, `\`${path}\` ${sentence}.`);
    }
  }
}

export function schemaOf(
  plan: TypedPlan,
  { federation, extension }: Pick<SchemaInForceParts, 'federation' | 'extension'>,
): GraphQLSchema {
  return federation === true ? createSubgraphSchema(plan, extension) : createSchema(plan, extension);
}

function isSame(plan: TypedPlan, before: TypedPlan): boolean {
  if (plan.nodes.length !== before.nodes.length) return false;
  // A node type of which nothing changed is the same object.
  if (plan.nodes.some((node, index) => node !== before.nodes[index])) return false;
  return JSON.stringify(plan.warnings) === JSON.stringify(before.warnings);
}
