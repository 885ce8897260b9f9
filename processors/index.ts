export { OccurrenceWindow } from './coalesce.ts';
export { hasMeaning } from './filter.ts';
export {
  compileLookups,
  type FindRows,
  type Looked,
  type Missing,
  type ReadRow,
  type Rows,
} from './lookup.ts';
export { compileMap, type MapEvent, type MappedEvent, type MapSettings, mapSettingsDefault } from './map.ts';
export { normalizers } from './normalizers/index.ts';
export type { Normalizer } from './normalizers/normalizer.ts';
export { compilePlainMapping, type PlainMapping } from './plain-mapping.ts';
