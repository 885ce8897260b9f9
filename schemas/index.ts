export { compileDecoder, type Decode } from './avro-decoder.ts';
export { AvroSchema } from './avro-type.ts';
export { BundledRegistry, type BundledSchema } from './bundled-registry.ts';
export { type CatalogSchema, loadCatalog } from './catalog/index.ts';
export {
  type CompatibilityBreak,
  explainCompatibility,
} from './compatibility-report.ts';
export { ConfluentRegistry, type ConfluentRegistryOptions } from './confluent-registry.ts';
export { EventEncoder } from './event-encoder.ts';
export { expressionReads } from './expression-reads.ts';
export { type FixtureEvents, type FixtureOptions, fixtureEvents } from './fixture-events.ts';
export {
  type ActionSchema,
  type DomainSchema,
  describeGraph,
  type EdgeEnds,
  type EdgeTypeSchema,
  type GraphDescription,
  type GraphSchema,
  type GraphSchemaConflict,
  type IdKind,
  type NodeTypeSchema,
  type PropertyKind,
  type PropertySchema,
} from './graph-schema.ts';
export {
  declarationsOf,
  type GraphDeclarations,
  mergeDeclarations,
} from './graph-schema-declarations.ts';
export { graphqlFieldName, graphqlTypeName, reservedTypeNames } from './graph-schema-names.ts';
export { findTables, lookupTopics, noTables, type TableSchemas } from './lookup-tables.ts';
export { type MappedVersion, MappedVersionFinder } from './mapped-version.ts';
export type { MappingProblem, MissingRow, Operation } from './mapping-declaration.ts';
export {
  type BlockPlan,
  type ConditionPlan,
  checkMapping,
  compileMapping,
  type EdgePlan,
  type LookupPlan,
  type LoopPlan,
  type MappingCheck,
  type MappingPlan,
  type MappingSubject,
  type NodePlan,
  type PropertyPlan,
  type StepPlan,
} from './mapping-plan.ts';
export type { NormalizerSignature, NormalizerSignatures } from './normalizer-signature.ts';
export { type PlainField, plainField } from './plain-field.ts';
export type { RegisteredSchema, SchemaRegistry, SubjectVersion } from './registry.ts';
export { RegistryCache, type RegistryCacheLimits, registryCacheLimitsDefault } from './registry-cache.ts';
export { type RegistryHttpLimits, registryHttpLimitsDefault } from './registry-http.ts';
export { RegistryInspection, type RegistryVerdict } from './registry-inspection.ts';
export { isSameSchemaText, type SchemaLimits } from './schema-text.ts';
export type {
  BranchTest,
  FieldRead,
  PathPlan,
  PathStep,
  ValueKind,
  ValuePlan,
  ValueSource,
} from './value-plan.ts';
export {
  compilePlacedScan,
  compileWireLength,
  type PlacedScan,
  type WireLength,
  type WireLimits,
  type WireScan,
  wireLimitsDefault,
} from './wire-scan.ts';
