import { AvroSchema } from './avro-type.ts';
import { describeGraph, type GraphSchemaConflict } from './graph-schema.ts';
import { declarationsOf, type GraphDeclarations, mergeDeclarations } from './graph-schema-declarations.ts';
import { compileMapping } from './mapping-plan.ts';

const logical = (type: string, logicalType: string): object => ({ type, logicalType });
const fieldTypes: Readonly<Record<string, unknown>> = {
  at: logical('long', 'timestamp-millis'),
  micros: logical('long', 'timestamp-micros'),
  text: 'string',
  uuid: logical('string', 'uuid'),
  enum: { type: 'enum', name: 'Color', symbols: ['RED'] },
  flag: 'boolean',
  small: 'int',
  big: 'long',
  float: 'float',
  double: 'double',
  bytes: 'bytes',
  decimal: { ...logical('bytes', 'decimal'), precision: 9, scale: 2 },
  date: logical('int', 'date'),
  clock: logical('int', 'time-millis'),
  items: { type: 'array', items: 'string' },
};

/** What a mapping over a record of all kinds of fields declares. */
export function declared(subject: string, graph: object): GraphDeclarations {
  const fields = Object.entries(fieldTypes).map(([name, type]) => ({ name, type }));
  const mapping = { domain: 'test', time: 'at', ...graph };
  const text = JSON.stringify({ type: 'record', name: 'Seen', fields, graph: mapping });
  return declarationsOf(compileMapping({ subject, version: 1 }, new AvroSchema(text), new Map()));
}

export function conflictsOf(...parts: readonly GraphDeclarations[]): readonly GraphSchemaConflict[] {
  return describeGraph(mergeDeclarations(parts)).conflicts;
}
