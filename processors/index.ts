export { OccurrenceWindow } from './coalesce.ts';
export { hasMeaning } from './filter.ts';
export { compileMap, type MapEvent, type MappedEvent, type MapSettings } from './map.ts';
