import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, type GraphQLSchema, printSchema } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Log, silentLog, systemClock } from '../foundation/index.ts';
import { LastSchema, lastSchemaFile } from './last-schema.ts';

const schemaOf = (...fields: readonly string[]): GraphQLSchema =>
  buildSchema(`type Query { there: Int ${fields.join(' ')} }`);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'journey-graph-schema-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

type Line = Readonly<Record<string, unknown>>;

/** Serves these one after the other in one process; what it said. */
async function serve(data: string, ...schemas: readonly GraphQLSchema[]): Promise<readonly Line[]> {
  const lines: Line[] = [];
  const warn: Log['warn'] = (fields, message) => void lines.push({ ...fields, message });
  const last = new LastSchema(data, systemClock, { ...silentLog, warn });
  for (const schema of schemas) {
    last.served(schema);
    // Whoever ends does not wait for the time of the next look.
    await last.close();
  }
  return lines;
}

const kept = (data: string): string => readFileSync(lastSchemaFile(data), 'utf8');

describe('The schema that was served last', () => {
  it('is kept as it is printed, and nothing is said of a first one, the same one or a larger one', async () => {
    const data = folder();
    expect(await serve(data, schemaOf('a: Int'))).toEqual([]);
    expect(kept(data)).toBe(`${printSchema(schemaOf('a: Int'))}\n`);
    expect(await serve(data, schemaOf('a: Int'), schemaOf('a: Int', 'b: Int'))).toEqual([]);
    expect(kept(data)).toBe(`${printSchema(schemaOf('a: Int', 'b: Int'))}\n`);
    expect(readdirSync(data)).toEqual(['api-schema.graphql']);
  });

  it('is compared with at the next start, and with each change: what breaks clients is said by name, once', async () => {
    const data = folder();
    await serve(data, schemaOf('a: Int', 'b: Int'));
    const lines = await serve(
      data,
      schemaOf('b: Int'),
      schemaOf('b: String'),
      schemaOf('b: String', 'c: Int'),
    );
    expect(lines.map(({ breaking }) => breaking)).toEqual([
      ['Query.a was removed.'],
      ['Query.b changed type from Int to String.'],
    ]);
    expect(lines[0]?.message).toContain('breaks clients');
    expect(await serve(data, schemaOf('b: String', 'c: Int'))).toEqual([]);
  });

  it('is told of in one line of a bounded length', async () => {
    const data = folder();
    const long = 'x'.repeat(500);
    await serve(data, schemaOf(...Array.from({ length: 30 }, (_, at) => `${long}${at}: Int`)));
    const [line, ...others] = await serve(data, schemaOf());
    expect(others).toEqual([]);
    expect(line).toMatchObject({ breaking: expect.any(Array), more: 10 });
    expect(JSON.stringify(line).length).toBeLessThan(20 * 210);
  });

  it.each([
    ['no schema', 'type Query { broken'],
    ['no text', '\u0000\u0001'],
  ])('is replaced where it is broken, and that is said: %s', async (_what, text) => {
    const data = folder();
    writeFileSync(lastSchemaFile(data), text);
    const lines = await serve(data, schemaOf('a: Int'));
    expect(lines).toMatchObject([
      { file: lastSchemaFile(data), message: expect.stringContaining('it is replaced') },
    ]);
    expect(kept(data)).toBe(`${printSchema(schemaOf('a: Int'))}\n`);
  });

  it('is the newest of those that come before it is looked at, and none is looked at while its request waits', async () => {
    const data = folder();
    const last = new LastSchema(data, systemClock, silentLog);
    for (const name of ['a', 'b', 'c']) last.served(schemaOf(`${name}: Int`));
    expect(readdirSync(data)).toEqual([]);
    await last.close();
    expect(kept(data)).toBe(`${printSchema(schemaOf('c: Int'))}\n`);
  });

  it('that cannot be kept is said, and stops nothing', async () => {
    const data = folder();
    rmSync(data, { recursive: true });
    const lines = await serve(data, schemaOf('a: Int'), schemaOf());
    expect(lines.map(({ breaking, message }) => breaking ?? message)).toEqual([
      expect.stringContaining('could not be kept'),
      ['Query.a was removed.'],
      expect.stringContaining('could not be kept'),
    ]);
  });
});
