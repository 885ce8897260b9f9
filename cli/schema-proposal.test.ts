import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AvroSchema } from '../schemas/index.ts';
import { checkSource } from './schema-check.ts';
import { proposeMapping } from './schema-proposal.ts';

const root = join(import.meta.dirname, '..');
const catalog = join(root, 'schemas', 'catalog');
const ordinary = [
  ...readdirSync(catalog)
    .filter((name) => name.endsWith('.avsc'))
    .map((name) => join(catalog, name)),
  join(root, 'test', 'debezium', 'titles.changes.graph.avsc'),
  join(root, 'test', 'walk', 'ratings.avsc'),
];

/** As a service registers it: without the mapping. */
function withoutGraph(file: string): AvroSchema {
  const { graph: _, ...schema } = JSON.parse(readFileSync(file, 'utf8'));
  return new AvroSchema(JSON.stringify(schema));
}

function record(name: string, fields: Readonly<Record<string, unknown>>): object {
  const list = Object.entries(fields).map(([field, type]) => ({ name: field, type }));
  return { type: 'record', name, fields: list };
}

function proposed(schema: object): unknown {
  const { json } = proposeMapping(new AvroSchema(JSON.stringify(schema)), null);
  return new AvroSchema(JSON.stringify(json)).graph;
}

async function problemsOf(json: object): Promise<readonly unknown[]> {
  const text = JSON.stringify(json);
  const { problems } = await checkSource({ file: 'new.avsc', text, subject: null }, 1, null);
  return problems;
}

const micros = { type: 'long', logicalType: 'timestamp-micros' };
const millis = { type: 'long', logicalType: 'timestamp-millis' };
const header = record('Header', { message_id: 'string', produced_at: micros, correlation_id: 'string' });

describe('a proposed mapping', () => {
  it.each(ordinary)('of %s is fine', async (file) => {
    const { json } = proposeMapping(withoutGraph(file), null);
    expect(await problemsOf(json)).toEqual([]);
  });

  it('takes time and event id from a header, which is no node, and finds a parcel by its number', () => {
    const parcel = record('Parcel', { parcel_no: 'string', weight_g: 'int', country_code: 'string' });
    expect(
      proposed(record('ParcelScanned', { header, parcel, customer_number: 'long', status: 'string' })),
    ).toEqual({
      domain: 'events',
      time: 'header.produced_at',
      eventId: 'header.message_id',
      nodes: [
        {
          type: 'Parcel',
          id: 'parcel.parcel_no',
          properties: { weight_g: 'parcel.weight_g', country_code: 'parcel.country_code' },
        },
        { type: 'Customer', id: 'customer_number' },
      ],
      edges: [{ type: 'PARCEL_SCANNED_PARCEL', from: 'Customer', to: 'Parcel' }],
      journey: { owner: 'Customer', action: 'parcel scanned', properties: { status: 'status' } },
    });
  });

  it.each(['meta', 'metadata', 'envelope', 'context', 'event_header'])('sees a carrier in `%s`', (name) => {
    const carrier = record('Carrier', { id: 'string', created: micros, trace_id: 'string' });
    expect(proposed(record('Left', { [name]: carrier, userId: 'string' }))).toMatchObject({
      time: `${name}.created`,
      eventId: `${name}.id`,
      nodes: [{ type: 'User', id: 'userId' }],
    });
  });

  it('prefers the time of the event to one of what it is about', () => {
    const show = record('Show', { id: 'string', startsAt: millis });
    expect(proposed(record('Joined', { show, updated: millis, ts: 'long' }))).toMatchObject({
      time: 'updated',
    });
  });

  it('looks for a time two records down', () => {
    const inner = record('Inner', { sent_at: millis });
    const outer = record('Outer', { inner });
    expect(proposed(record('Sent', { user_id: 'long', outer }))).toMatchObject({
      time: 'outer.inner.sent_at',
    });
  });

  it('deletes the row that an envelope of changes says is gone', () => {
    expect(proposeMapping(withoutGraph(join(catalog, 'titles-changed.avsc')), null).json).toMatchObject({
      graph: {
        domain: 'titles',
        time: 'source.ts_ms',
        rank: 'source.lsn',
        nodes: [
          {
            as: 'current',
            type: 'Title',
            id: 'after.id',
            properties: { runtime_seconds: 'after.runtime_seconds' },
          },
          { as: 'gone', type: 'Title', id: 'before.id', where: "op == 'd'", op: 'delete' },
        ],
      },
    });
  });

  it('leads from a row to what its foreign keys name', () => {
    const row = { ...record('Value', { order_no: 'string', customer_id: 'long' }) };
    const envelope = {
      ...record('Envelope', { before: ['null', row], after: ['null', 'Value'], ts_ms: 'long' }),
      namespace: 'shop.public.orders',
    };
    expect(proposed(envelope)).toMatchObject({
      nodes: [
        { as: 'current', type: 'Order', id: 'after.order_no' },
        { type: 'Customer', id: 'after.customer_id', optional: true },
        { as: 'gone', type: 'Order', where: '!has(event.after)' },
      ],
      edges: [{ type: 'ORDER_CUSTOMER', from: 'current', to: 'Customer' }],
    });
  });

  it('says of a thing with an id how it is, without a journey', () => {
    const graph = proposed(record('Customer', { id: 'long', name: 'string', updated: millis }));
    expect(graph).toMatchObject({ nodes: [{ type: 'Customer', id: 'id', properties: { name: 'name' } }] });
    expect(graph).not.toHaveProperty('journey');
  });

  it('names what it looked at where no field can be the time', () => {
    const meta = record('Meta', { created_at: 'string', seq: 'long' });
    expect(() => proposed(record('X', { userId: 'string', meta }))).toThrow(
      /: not among meta\.created_at \(string\), meta\.seq \(long\)\.$/,
    );
  });

  it('names what it looked at where nothing is named', () => {
    expect(() => proposed(record('X', { at: millis, status_code: 'string' }))).toThrow(
      /: not among at, status_code\.$/,
    );
  });
});
