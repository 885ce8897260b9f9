import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AvroSchema, checkMapping } from '../schemas/index.ts';
import { type CaseTables, rowsOf, tableSchemasOf } from './language-testing.ts';
import { compileMap, mapSettingsDefault } from './map.ts';
import { normalizers } from './normalizers/index.ts';

const folder = join(import.meta.dirname, 'language');
const nowMs = Date.UTC(2027, 0, 1);

interface LanguageCase {
  readonly shows: string;
  /** Avro, with its `graph`. */
  readonly schema: object;
  /** In Avro's JSON encoding; a long beyond 2^53 as text. */
  readonly event: object;
  readonly tables?: CaseTables;
  /** A long is `{"long": "42"}`; null when the event is filtered. */
  readonly mutations: unknown;
}

function read(file: string): LanguageCase {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

/** Its bytes, read back: what a mapping sees has always come off the wire. */
function decoded(schema: AvroSchema, event: object): unknown {
  return schema.type.fromBuffer(schema.type.toBuffer(schema.type.fromString(JSON.stringify(event))));
}

function plain(mutations: unknown): unknown {
  const text = JSON.stringify(mutations, (_key, value: unknown) =>
    typeof value === 'bigint' ? { long: String(value) } : value,
  );
  return JSON.parse(text);
}

const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

describe('the mapping language', () => {
  test('has a case for each construct', () => {
    expect(files.length).toBeGreaterThanOrEqual(25);
  });

  test.each(files)('%s', (file) => {
    const { schema, event, tables, mutations } = read(file);
    const avro = new AvroSchema(JSON.stringify(schema));
    const { problems, plan } = checkMapping(
      { subject: file, version: 1 },
      avro,
      normalizers,
      tableSchemasOf(tables),
    );
    expect(problems).toEqual([]);
    if (plan === null) throw new Error('a mapping without problems has a plan');
    const given = decoded(avro, event);
    const rows = rowsOf(plan, tables)(given);
    const mapped = rows === null ? null : compileMap(plan, mapSettingsDefault)(given, nowMs, rows);
    expect(plain(mapped?.mutations ?? null)).toEqual(mutations);
  });
});
