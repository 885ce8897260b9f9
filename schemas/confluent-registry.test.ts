import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SchemaRegistry as OtherClient, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type JourneyGraphError, systemClock } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';
import { BundledRegistry } from './bundled-registry.ts';
import { ConfluentRegistry } from './confluent-registry.ts';
import { EventEncoder } from './event-encoder.ts';
import { RegistryCache, registryCacheLimitsDefault } from './registry-cache.ts';

const text =
  '{ "type": "record", "name": "Seen",\n "fields": [{ "name": "id", "type": "string" }], "graph": { "x": 1 } }';
const notFound = JSON.stringify({ error_code: 40403, message: 'Schema not found' });

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

let server: Server;
let url: string;
let handler: Handler;
let requests: { method: string; path: string; authorization: string | undefined }[];

function answer(status: number, body: string, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
}

beforeEach(async () => {
  requests = [];
  handler = answer(404, notFound);
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      requests.push({ method, path, authorization: headers.authorization });
      handler(request, response, Buffer.concat(chunks).toString());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  url = `http://127.0.0.1:${address.port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function registry(options: { auth?: string; url?: string } = {}): ConfluentRegistry {
  const limits = { timeoutMs: 200, answerBytesMax: 65_536, socketsMax: 4 };
  return new ConfluentRegistry({ url, limits, ...options });
}

async function failure(
  attempt: Promise<unknown>,
): Promise<Pick<JourneyGraphError, 'code' | 'reaction' | 'message'>> {
  const outcome = await attempt.then(
    () => null,
    (error: JourneyGraphError) => error,
  );
  if (outcome === null) throw new Error('expected a failure');
  return { code: outcome.code, reaction: outcome.reaction, message: outcome.message };
}

describe('the Confluent registry', () => {
  test.each<[string, Handler, string, string]>([
    ['an unknown id is bad data', answer(404, notFound), 'SCHEMA_NOT_FOUND', 'bad-data'],
    [
      'a 404 of a proxy is an outage',
      answer(404, '<html>no such page</html>'),
      'REGISTRY_UNREACHABLE',
      'outage',
    ],
    [
      'a 404 with a foreign code is an outage',
      answer(404, '{"error_code":404}'),
      'REGISTRY_UNREACHABLE',
      'outage',
    ],
    ['a 500 is an outage', answer(500, '{"error_code":50001}'), 'REGISTRY_UNREACHABLE', 'outage'],
    ['a 503 is an outage', answer(503, ''), 'REGISTRY_UNREACHABLE', 'outage'],
    ['a 400 is an outage', answer(400, '{"error_code":400}'), 'REGISTRY_UNREACHABLE', 'outage'],
    ['a 429 is an outage', answer(429, ''), 'REGISTRY_UNREACHABLE', 'outage'],
    ['garbage is an outage', answer(200, '<html>'), 'REGISTRY_UNREACHABLE', 'outage'],
    ['an answer without schema is an outage', answer(200, '{"id":1}'), 'REGISTRY_UNREACHABLE', 'outage'],
    ['a 401 is refused', answer(401, ''), 'REGISTRY_REFUSED', 'stop'],
    ['a 403 is refused', answer(403, ''), 'REGISTRY_REFUSED', 'stop'],
    [
      'a redirect to another host is not followed',
      answer(302, '', { location: 'http://169.254.169.254/' }),
      'REGISTRY_UNREACHABLE',
      'outage',
    ],
    ['silence is an outage', () => undefined, 'REGISTRY_UNREACHABLE', 'outage'],
    [
      'a cut connection is an outage',
      (request) => request.socket.destroy(),
      'REGISTRY_UNREACHABLE',
      'outage',
    ],
    [
      'a schema of another kind is bad data',
      answer(200, '{"schema":"x","schemaType":"PROTOBUF"}'),
      'SCHEMA_NOT_AVRO',
      'bad-data',
    ],
    [
      'references are bad data',
      answer(200, '{"schema":"x","references":[{}]}'),
      'SCHEMA_REFERENCES_UNSUPPORTED',
      'bad-data',
    ],
  ])('says that %s', async (_name, given, code, reaction) => {
    handler = given;
    expect(await failure(registry().schemaById(7))).toMatchObject({ code, reaction });
    expect(requests).toHaveLength(1);
  });

  test('says that a registry that is down is an outage, not the status 400 that a client library makes of it', async () => {
    const down = registry({ url: 'http://127.0.0.1:1' });
    expect(await failure(down.schemaById(7))).toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      reaction: 'outage',
    });
  });

  test('ends an endless body by its size', async () => {
    handler = (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(8_192)));
      };
      response.on('drain', more);
      more();
    };
    const { code, message } = await failure(registry().schemaById(7));
    expect(code).toBe('REGISTRY_UNREACHABLE');
    expect(message).toContain('more than 65536 bytes');
  });

  test('ends a body that drips by its time', async () => {
    handler = (_request, response) => {
      response.writeHead(200);
      response.write('{');
    };
    expect((await failure(registry().schemaById(7))).message).toContain('within 200 ms');
  });

  test('stops waiting when the caller does', async () => {
    const abort = new AbortController();
    handler = () => abort.abort();
    expect((await failure(registry().schemaById(7, abort.signal))).code).toBe('REGISTRY_UNREACHABLE');
  });

  test('hands the text over unchanged and sends basic credentials', async () => {
    handler = answer(200, JSON.stringify({ schema: text }));
    expect(await registry({ auth: 'ann:s3cret' }).schemaById(7)).toEqual({ id: 7, text });
    expect(requests).toEqual([
      {
        method: 'GET',
        path: '/schemas/ids/7',
        authorization: `Basic ${Buffer.from('ann:s3cret').toString('base64')}`,
      },
    ]);
  });

  test('shows no credentials of its URL in a message', async () => {
    handler = answer(503, '');
    const { message } = await failure(registry({ url: url.replace('//', '//ann:s3cret@') }).schemaById(7));
    expect(message).not.toContain('s3cret');
    expect(requests[0]?.authorization).toMatch(/^Basic /);
  });

  test('keeps a subject within its path', async () => {
    await registry().latest('a/../../b?c');
    expect(requests[0]?.path).toBe('/subjects/a%2F..%2F..%2Fb%3Fc/versions/latest');
    expect(await failure(registry().latest('..'))).toMatchObject({ code: 'SUBJECT_INVALID' });
  });

  test('finds no versions of a subject that does not exist', async () => {
    expect(await registry().latest('none')).toBeNull();
    expect(await registry().versions('none')).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['is no Avro', { schemaType: 'PROTOBUF' }, 'SCHEMA_NOT_AVRO'],
    ['has references', { references: [{}] }, 'SCHEMA_REFERENCES_UNSUPPORTED'],
  ])('lists the versions around one that %s, and names it as the newest', async (_what, strange, code) => {
    handler = (request, response, body) => {
      const version = request.url?.split('/')[4];
      const one = { subject: 's', id: 70 + Number(version), version: Number(version), schema: text };
      const found =
        version === '2' || version === 'latest' ? { ...one, id: 72, version: 2, ...strange } : one;
      answer(200, JSON.stringify(version === undefined ? [1, 2, 3] : found))(request, response, body);
    };
    expect((await registry().versions('s')).map(({ version }) => version)).toEqual([1, 3]);
    const context = { subject: 's', version: 2, schemaId: 72 };
    await expect(registry().latest('s')).rejects.toMatchObject({ code, reaction: 'bad-data', context });
    await expect(registry().version('s', 2)).rejects.toMatchObject({ code, context });
    expect((await registry().version('s', 3))?.schema).toEqual({ id: 73, text });
  });

  test('asks for a GUID and tells a registry without GUIDs from an unknown one', async () => {
    const guid = '00112233-4455-6677-8899-aabbccddeeff';
    expect((await failure(registry().schemaByGuid(guid))).code).toBe('SCHEMA_NOT_FOUND');
    handler = answer(404, 'no such endpoint');
    expect((await failure(registry().schemaByGuid(guid))).code).toBe('SCHEMA_GUID_UNSUPPORTED');
    handler = answer(200, JSON.stringify({ schema: text }));
    expect((await registry().schemaByGuid(guid)).text).toBe(text);
    expect(requests.at(-1)?.path).toBe(`/schemas/guids/${guid}`);
  });

  test('agrees with a client that is not ours, both ways', async () => {
    const bundled = BundledRegistry.of([]);
    handler = bundledHandler(bundled);
    const ours = registry();
    const { schema, version } = await ours.register('seen-value', text);
    expect(version).toBe(1);
    expect(await ours.versions('seen-value')).toEqual([{ subject: 'seen-value', version: 1, schema }]);
    const theirs = new OtherClient({ host: url });
    const framed = await theirs.encode(schema.id, { id: 'é' });
    expect(framed).toEqual(new EventEncoder(schema.id, text).encode({ id: 'é' }));
    expect(await theirs.decode(framed)).toEqual({ id: 'é' });
    expect(new AvroSchema(text).type.fromBuffer(framed.subarray(5))).toEqual({ id: 'é' });
    expect(SchemaType.AVRO).toBe('AVRO');
  });
});

/** The interface's four paths that the test above walks, over a bundled registry. */
function bundledHandler(bundled: BundledRegistry): Handler {
  return (request, response, body) => {
    const [, top = '', name = '', , version] = (request.url ?? '').split('/');
    const reply = async (): Promise<unknown> => {
      if (top === 'schemas')
        return { schema: (await bundled.schemaById(Number((request.url ?? '').split('/')[3]))).text };
      if (request.method === 'POST') {
        const registered = await bundled.register(name, JSON.parse(body).schema);
        return {
          subject: name,
          id: registered.schema.id,
          version: registered.version,
          schema: registered.schema.text,
        };
      }
      const versions = await bundled.versions(name);
      if (version === undefined) return versions.map((one) => one.version);
      const one = versions[version === 'latest' ? versions.length - 1 : Number(version) - 1];
      return { subject: name, id: one?.schema.id, version: one?.version, schema: one?.schema.text };
    };
    reply().then(
      (json) => answer(200, JSON.stringify(json))(request, response, ''),
      () => answer(500, '')(request, response, ''),
    );
  };
}

describe('the cache in front of it', () => {
  let now: number;
  const clock = { now: () => now, sleep: systemClock.sleep };
  beforeEach(() => {
    now = 1_000;
  });

  test('makes one request for concurrent misses and none afterwards', async () => {
    handler = answer(200, JSON.stringify({ schema: text }));
    const cache = new RegistryCache(registry(), clock);
    const all = await Promise.all(Array.from({ length: 50 }, () => cache.schemaById(7)));
    await cache.schemaById(7);
    expect(all.every((schema) => schema.text === text)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  test('asks once for an unknown id until its time is over', async () => {
    const cache = new RegistryCache(registry(), clock);
    for (let turn = 0; turn < 5; turn += 1) await failure(cache.schemaById(7));
    expect(requests).toHaveLength(1);
    now += registryCacheLimitsDefault.unknownMs;
    handler = answer(200, JSON.stringify({ schema: text }));
    expect((await cache.schemaById(7)).text).toBe(text);
    expect(requests).toHaveLength(2);
  });

  test('asks again for an unknown id when the clock was set back', async () => {
    const cache = new RegistryCache(registry(), clock);
    await failure(cache.schemaById(7));
    now -= 3_600_000;
    handler = answer(200, JSON.stringify({ schema: text }));
    expect((await cache.schemaById(7)).text).toBe(text);
  });

  test('remembers no outage', async () => {
    handler = answer(503, '');
    const cache = new RegistryCache(registry(), clock);
    expect((await failure(cache.schemaById(7))).code).toBe('REGISTRY_UNREACHABLE');
    handler = answer(200, JSON.stringify({ schema: text }));
    expect((await cache.schemaById(7)).text).toBe(text);
  });

  test('asks once for each of 100,000 unknown ids and keeps no more of them than its limit', async () => {
    const asked = new Map<number, number>();
    const bundled = BundledRegistry.of([]);
    const counting = {
      schemaById: (id: number) => {
        asked.set(id, (asked.get(id) ?? 0) + 1);
        return bundled.schemaById(id);
      },
      latest: bundled.latest.bind(bundled),
      versions: bundled.versions.bind(bundled),
      register: bundled.register.bind(bundled),
      close: bundled.close.bind(bundled),
    };
    const cache = new RegistryCache(counting, clock);
    for (let round = 0; round < 2; round += 1) {
      for (let id = 0; id < 100_000; id += 1) await failure(cache.schemaById(id));
    }
    expect(asked.size).toBe(100_000);
    expect(Math.max(...new Set(asked.values()))).toBe(1);
    const small = new RegistryCache(counting, clock, { ...registryCacheLimitsDefault, unknownMax: 10 });
    for (let id = 0; id < 100; id += 1) await failure(small.schemaById(id));
    expect(small.unknownCount).toBe(10);
  });
});
