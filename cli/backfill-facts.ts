import type { Settings } from '../config/index.ts';
import type { Clock } from '../foundation/index.ts';
import {
  appliedMappings,
  type DeletedTypes,
  type EmbeddedStore,
  type GraphStore,
} from '../graph-store/index.ts';
import {
  hiddenTypes,
  type MappingsInForce,
  type PlannedMapping,
  type TopicFacts,
  valueSubjectOf,
} from '../ingest/index.ts';
import type { SchemaRegistry } from '../schemas/index.ts';

export interface FactSources {
  readonly settings: Settings;
  readonly store: GraphStore;
  /** Null: the graph is in a database server. */
  readonly embeddedStore: Pick<EmbeddedStore, 'snapshot' | 'deletedTypes'> | null;
  readonly registry: Pick<SchemaRegistry, 'versions'>;
  readonly mappings: MappingsInForce;
  readonly clock: Clock;
}

/** What a plan has to know of a topic: its mappings, what the graph was written by, what time to live hides. */
export async function factsOf(
  sources: FactSources,
  topic: string,
  signal: AbortSignal,
): Promise<Omit<TopicFacts, 'identities'>> {
  const { settings, store, embeddedStore, mappings, clock } = sources;
  const subjects = await subjectsOf(settings, mappings, topic, signal);
  const readers = [];
  for (const subject of subjects) {
    const { reader } = await mappings.of(subject, signal);
    if (reader !== null) readers.push(reader);
  }
  const mapped = { nodes: new Set<string>(), edges: new Set<string>() };
  for (const { declarations } of readers) {
    for (const declaration of declarations.values()) {
      if (declaration.of === 'id') mapped.nodes.add(declaration.type);
      if (declaration.of === 'ends') mapped.edges.add(declaration.type);
    }
  }
  const rules = store.timeToLive();
  const types = { nodes: [...mapped.nodes], edges: [...mapped.edges] };
  const deleted: DeletedTypes =
    embeddedStore === null
      ? // It does not say; so of all that time to live hides.
        { nodes: new Set(types.nodes), edges: new Set(types.edges) }
      : await embeddedStore.deletedTypes();
  const applied = await appliedVersions(sources, topic, readers, signal);
  return {
    subjects: readers.map(({ from, plan }) => ({
      subject: from.subject,
      version: from.version,
      appliedVersions: applied.get(from.subject) ?? [],
      tables: [...new Set(plan.lookups.map((lookup) => lookup.topic))].sort(),
    })),
    hidden: hiddenTypes(rules, types, deleted, clock.now()),
  };
}

/** Where a subject goes by the record's name, events tell it and not the topic: then it may be any that is in force. */
async function subjectsOf(
  settings: Settings,
  mappings: MappingsInForce,
  topic: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const strategy = settings['subject.name.strategy'];
  if (strategy === 'topic') return [valueSubjectOf(topic)];
  await mappings.poll(signal);
  const known = mappings.status().map(({ subject }) => subject);
  return strategy === 'record' ? known : known.filter((subject) => subject.startsWith(`${topic}-`));
}

/**
 * By subject. What is embedded says by which versions it was written. A database server would have to be read as a whole for it: there each version up to
 * the one in force may have written, once events of the topic were applied at all.
 */
async function appliedVersions(
  { store, embeddedStore, registry }: FactSources,
  topic: string,
  readers: readonly { readonly from: PlannedMapping }[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  if (embeddedStore !== null) {
    const bySubject = Map.groupBy(await appliedMappings(embeddedStore), ({ subject }) => subject);
    return new Map([...bySubject].map(([subject, all]) => [subject, all.map(({ version }) => version)]));
  }
  const sources = await store.sources();
  if (!sources.some(({ source, fates }) => source.topic === topic && fates.applied > 0)) return new Map();
  const found = new Map<string, readonly number[]>();
  for (const { from } of readers) {
    const versions = (await registry.versions(from.subject, signal)).map(({ version }) => version);
    found.set(
      from.subject,
      versions.filter((version) => version <= from.version),
    );
  }
  return found;
}
