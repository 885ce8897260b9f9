import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { must } from '../../foundation/index.ts';
import { isList, type Json, type JsonObject, parseJson, printJson } from './iceberg-json.ts';
import { isObject, JsonFields } from './json-fields.ts';

type Answer = readonly [status: number, body: JsonObject];

/** A REST catalog as far as its client goes: one namespace level, tables in memory, requirements checked, updates applied. */
export class FakeRestCatalog {
  readonly tables = new Map<string, Record<string, Json>>();
  readonly asked: { readonly method: string; readonly path: string; readonly authorization: string }[] = [];
  /** Of the next commits: applied, but answered with that status. */
  readonly unanswered: number[] = [];
  /** Of the next requests: not looked at, answered with that. */
  readonly refusals: Answer[] = [];
  #version = 0;

  async start(): Promise<URL> {
    const server = createServer((request, response) => {
      void this.#answer(request).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(printJson(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    return new URL(`http://127.0.0.1:${portOf(address)}/catalog/`);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const path = must(request.url, 'a request has a path').replace(/^\/catalog\//, '');
    const method = request.method ?? '';
    this.asked.push({ method, path, authorization: request.headers.authorization ?? '' });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const refusal = this.refusals.shift();
    if (refusal !== undefined) return refusal;
    if (path.startsWith('v1/config')) return [200, { defaults: {}, overrides: { prefix: 'main' } }];
    if (path === 'v1/main/namespaces') return [200, {}];
    const table = /^v1\/main\/namespaces\/[^/]+\/tables(?:\/([^/]+))?$/.exec(path);
    if (table === null) return [404, fault('no such path')];
    if (method === 'GET') return this.#loaded(table[1] ?? '');
    const body = parseJson(text);
    return table[1] === undefined ? this.#staged(body) : this.#commit(table[1], new JsonFields(body, 'body'));
  }

  #loaded(name: string): Answer {
    const metadata = this.tables.get(name);
    return metadata === undefined
      ? [404, fault('no such table')]
      : [200, { 'metadata-location': `s3://meta/${this.#version}.json`, metadata, config: {} }];
  }

  /** As servers do, it numbers the columns anew; that is why its client commits its own schema. */
  #staged(body: Json): Answer {
    const fields = new JsonFields(body, 'body');
    const metadata = {
      ...emptyTable(),
      location: fields.text('location'),
      schemas: [{ type: 'struct', 'schema-id': 0, fields: [] }],
      'partition-specs': [{ 'spec-id': 0, fields: [] }],
    };
    return [200, { metadata }];
  }

  #commit(name: string, body: JsonFields): Answer {
    const present = this.tables.get(name) ?? null;
    const failed = body.list('requirements', 100, (item) => unmet(item, present)).find((why) => why !== null);
    if (failed !== undefined && failed !== null) return [409, fault(failed)];
    const metadata = { ...(present ?? emptyTable()) };
    body.list('updates', 100, (item) => apply(metadata, item));
    metadata['last-updated-ms'] = Number(metadata['last-updated-ms'] ?? 0) + 1;
    this.tables.set(name, metadata);
    this.#version += 1;
    const status = this.unanswered.shift();
    return status === undefined ? this.#loaded(name) : [status, fault('state unknown')];
  }
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function fault(message: string): JsonObject {
  return { error: { message, type: 'Fake', code: 0 } };
}

function emptyTable(): Record<string, Json> {
  return {
    'format-version': 2,
    'table-uuid': 'staged-uuid',
    location: '',
    'last-updated-ms': 1,
    'last-column-id': 0,
    'last-sequence-number': 0,
    'current-schema-id': 0,
    schemas: [],
    'default-spec-id': 0,
    'partition-specs': [],
    properties: {},
    refs: {},
    snapshots: [],
  };
}

function unmet(requirement: Json, present: Record<string, Json> | null): string | null {
  const fields = new JsonFields(requirement, 'requirement');
  const type = fields.text('type');
  if (type === 'assert-create') return present === null ? null : 'the table is there';
  if (present === null) return 'no such table';
  switch (type) {
    case 'assert-table-uuid':
      return present['table-uuid'] === fields.text('uuid') ? null : 'another table';
    case 'assert-ref-snapshot-id': {
      const refs = new JsonFields(present, 'metadata').map('refs', 10, (ref) =>
        new JsonFields(ref, 'ref').long('snapshot-id'),
      );
      return (refs.get(fields.text('ref')) ?? null) === fields.longOrNull('snapshot-id')
        ? null
        : 'the branch moved';
    }
    case 'assert-last-assigned-field-id':
      return present['last-column-id'] === fields.int('last-assigned-field-id') ? null : 'columns were added';
    case 'assert-current-schema-id':
      return present['current-schema-id'] === fields.int('current-schema-id') ? null : 'the schema changed';
    default:
      return `unknown requirement ${type}`;
  }
}

function apply(metadata: Record<string, Json>, update: Json): void {
  const fields = new JsonFields(update, 'update');
  const list = (key: string): readonly Json[] => {
    const value = metadata[key] ?? null;
    return isList(value) ? value : [];
  };
  switch (fields.text('action')) {
    case 'assign-uuid':
      metadata['table-uuid'] = fields.text('uuid');
      return;
    case 'upgrade-format-version':
      return;
    case 'set-location':
      metadata.location = fields.text('location');
      return;
    case 'add-schema':
      metadata.schemas = [...list('schemas'), fields.value('schema')];
      metadata['last-column-id'] = fields.int('last-column-id');
      return;
    case 'set-current-schema': {
      const id = fields.int('schema-id');
      const last = list('schemas').at(-1) ?? null;
      metadata['current-schema-id'] = id === -1 && isObject(last) ? (last['schema-id'] ?? 0) : id;
      return;
    }
    case 'add-spec':
      metadata['partition-specs'] = [...list('partition-specs'), fields.value('spec')];
      return;
    case 'set-default-spec':
    case 'add-sort-order':
    case 'set-default-sort-order':
      return;
    case 'set-properties':
      metadata.properties = {
        ...new JsonFields(metadata, 'metadata').texts('properties', 100),
        ...fields.texts('updates', 100),
      };
      return;
    case 'add-snapshot': {
      const snapshot = fields.value('snapshot');
      metadata.snapshots = [...list('snapshots'), snapshot];
      metadata['last-sequence-number'] = new JsonFields(snapshot, 'snapshot').long('sequence-number');
      return;
    }
    case 'set-snapshot-ref': {
      const ref = { 'snapshot-id': fields.long('snapshot-id'), type: fields.text('type') };
      metadata.refs = { [fields.text('ref-name')]: ref };
      metadata['current-snapshot-id'] = ref['snapshot-id'];
      return;
    }
    case 'remove-snapshots': {
      const gone = new Set(fields.list('snapshot-ids', 100, (id) => BigInt(String(id))));
      metadata.snapshots = list('snapshots').filter(
        (each) => !gone.has(new JsonFields(each, 's').long('snapshot-id')),
      );
      return;
    }
    default:
      throw new Error(`unknown update ${printJson(update)}`);
  }
}
