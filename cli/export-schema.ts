import { silentLog } from '../foundation/index.ts';
import { MappingsInForce } from '../ingest/index.ts';
import {
  BundledRegistry,
  describeGraph,
  type GraphSchema,
  loadCatalog,
  mergeDeclarations,
} from '../schemas/index.ts';
import type { CommandIo } from './command-io.ts';
import { declarationsInForce, eventSubject } from './schema-neighbours.ts';
import { withRegistry } from './schema-registry-access.ts';

/** What the mappings of the configured registry make of the graph, or those of the bundled catalog where there is none: as a server that starts now takes them. */
export async function graphSchemaOfSettings(
  options: Readonly<Record<string, unknown>>,
  io: CommandIo,
): Promise<GraphSchema> {
  return await withRegistry(options, io, async (access) => {
    if (access === null) return await graphSchemaOfCatalog(io);
    const subjects = new Set((await access.inspection.subjects()).map(eventSubject));
    return describeGraph(mergeDeclarations(await declarationsInForce(access, subjects))).schema;
  });
}

async function graphSchemaOfCatalog({ clock, random, signal }: CommandIo): Promise<GraphSchema> {
  const catalog = await loadCatalog();
  const registry = BundledRegistry.of(catalog);
  const mappings = new MappingsInForce({ registry, clock, random, log: silentLog });
  for (const { subject } of catalog) mappings.expect(subject);
  await mappings.poll(signal);
  return mappings.graphSchema();
}
