import type { Settings } from '../config/index.ts';
import type { Log } from '../foundation/index.ts';
import type { GraphStore, SwitchableStore } from '../graph-store/index.ts';
import { MappingsInForce, mappingSettingsDefault, valueSubjectOf } from '../ingest/index.ts';
import {
  BundledRegistry,
  ConfluentRegistry,
  loadCatalog,
  RegistryCache,
  registryCacheLimitsDefault,
  registryHttpLimitsDefault,
  type SchemaRegistry,
} from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { EmbeddedEvents } from './embedded-events.ts';
import type { Events } from './events.ts';
import { openStore } from './graph-store-in-use.ts';
import { KafkaEvents } from './kafka-events.ts';

/** What every process that has to do with the graph begins with. */
export interface Base {
  readonly store: GraphStore;
  /** The store again, where it is the embedded one. */
  readonly embeddedStore: SwitchableStore | null;
  readonly registry: SchemaRegistry;
  /** Notices new versions while its `watch` runs. */
  readonly mappings: MappingsInForce;
  readonly events: Events;
  /** The embedded log's side of `events`; null with Kafka. */
  readonly embedded: EmbeddedEvents | null;
}

/** Opens files and connections, which `cleanup` releases; starts nothing. */
export async function openBase(
  settings: Settings,
  io: CommandIo,
  log: Log,
  cleanup: AsyncDisposableStack,
): Promise<Base> {
  const { store, embeddedStore } = await openStore(settings, io, log);
  cleanup.defer(() => store.close());
  const registry = await openRegistry(settings, io);
  cleanup.defer(() => registry.close());
  const mappings = createMappings(settings, registry, io, log);
  const embedded = settings['bootstrap.servers'] === null ? await EmbeddedEvents.open(settings, io) : null;
  const events = embedded ?? (await KafkaEvents.open(settings, io, log));
  cleanup.defer(() => events.close());
  if (settings['subject.name.strategy'] === 'topic') {
    for (const topic of events.topics) mappings.expect(valueSubjectOf(topic));
  }
  return { store, embeddedStore, registry, mappings, events, embedded };
}

export async function openRegistry(settings: Settings, io: CommandIo): Promise<SchemaRegistry> {
  const url = settings['schema.registry.url'];
  if (url === null) return BundledRegistry.of(await loadCatalog());
  const auth = settings['schema.registry.basic.auth.user.info'];
  const registry = new ConfluentRegistry({
    url,
    ...(auth === null ? {} : { auth }),
    limits: { ...registryHttpLimitsDefault, timeoutMs: settings['schema.registry.timeout.ms'] },
    clock: io.clock,
  });
  return new RegistryCache(registry, io.clock, {
    ...registryCacheLimitsDefault,
    schemasMax: settings['schema.cache.entries.max'],
    unknownMs: settings['schema.negative.ttl.ms'],
  });
}

function createMappings(
  settings: Settings,
  registry: SchemaRegistry,
  io: CommandIo,
  log: Log,
): MappingsInForce {
  return new MappingsInForce(
    { registry, clock: io.clock, random: io.random, log },
    {
      ...mappingSettingsDefault,
      pollIntervalMs: settings['schema.poll.interval.ms'],
      futureMsMax: settings['event.future.ms.max'],
      mutationsMax: settings['mapping.mutations.max'],
    },
  );
}
