import { createServer } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../foundation/index.ts';
import { describeCatalog, loadedBy, withSnapshot } from './catalog-conformance.ts';
import { testMetadata } from './iceberg-testing.ts';
import { FakeRestCatalog } from './rest-catalog.fake.ts';
import { RestCatalog } from './rest-catalog.ts';

const table = 'archive.member_playback';
const warehouse = 's3://bucket/archive';
const folder = 'member_playback';

async function opened(): Promise<{ fake: FakeRestCatalog; catalog: RestCatalog; other: RestCatalog }> {
  const fake = new FakeRestCatalog();
  const url = await fake.start();
  const options = { url, token: 'secret-token', warehouse: 'wh', timeoutMs: 5_000 };
  return {
    fake,
    catalog: new RestCatalog(options, systemClock),
    other: new RestCatalog(options, systemClock),
  };
}

describeCatalog('A REST server', {
  table,
  warehouse,
  folder,
  open: async () => {
    const { catalog, other } = await opened();
    return [catalog, other];
  },
});

describe('The REST catalog', () => {
  async function withTable(): Promise<{ fake: FakeRestCatalog; catalog: RestCatalog }> {
    const { fake, catalog } = await opened();
    await catalog.swap(table, null, testMetadata({ warehouse, name: folder }));
    return { fake, catalog };
  }

  it('asks for its configuration first, goes by its prefix, and says who it is', async () => {
    const { fake, catalog } = await withTable();
    await catalog.load(table);
    expect(fake.asked[0]).toEqual({
      method: 'GET',
      path: 'v1/config?warehouse=wh',
      authorization: 'Bearer secret-token',
    });
    expect(fake.asked.at(-1)?.path).toBe('v1/main/namespaces/archive/tables/member_playback');
    expect(fake.asked.filter((each) => each.path.startsWith('v1/config')).length).toBe(1);
  });

  for (const status of [500, 502, 504]) {
    it(`settles a commit that was answered with ${status} by looking for its snapshot`, async () => {
      const { fake, catalog } = await withTable();
      const base = await loadedBy(catalog, table);
      fake.unanswered.push(status);
      expect(await catalog.swap(table, base, withSnapshot(base.metadata, 5n))).toBe(true);
      fake.refusals.push([status, {}]);
      const next = await loadedBy(catalog, table).catch((error: unknown) => error);
      expect(next).toMatchObject({ code: 'CATALOG_FAILED' });
    });
  }

  it('says that a commit without an answer did not happen when its snapshot is not there', async () => {
    const { fake, catalog } = await withTable();
    const base = await loadedBy(catalog, table);
    fake.refusals.push([503, {}]);
    await expect(catalog.swap(table, base, withSnapshot(base.metadata, 5n))).rejects.toMatchObject({
      code: 'CATALOG_FAILED',
      retryable: true,
    });
  });

  for (const status of [400, 401, 403, 422]) {
    it(`stops with what the server says on ${status}, without the token`, async () => {
      const { fake, catalog } = await withTable();
      fake.refusals.push([status, { error: { message: 'because of the policy' } }]);
      const error: unknown = await catalog.load(table).catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'CATALOG_REFUSED', reaction: 'stop' });
      expect(String(error)).toContain('because of the policy');
      expect(String(error)).not.toContain('secret-token');
    });
  }

  it('gives up on a server that does not answer in time', async () => {
    const server = createServer(() => {
      // Never answers.
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const options = { url: new URL(`http://127.0.0.1:${port}`), token: null, warehouse: null, timeoutMs: 30 };
    await expect(new RestCatalog(options, systemClock).load(table)).rejects.toThrow(/no answer in 30 ms/);
  });

  it('follows no redirect, which could take the token elsewhere', async () => {
    const server = createServer((_, response) => {
      response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const options = {
      url: new URL(`http://127.0.0.1:${port}`),
      token: 't',
      warehouse: null,
      timeoutMs: 5_000,
    };
    await expect(new RestCatalog(options, systemClock).load(table)).rejects.toThrow(/unexpected redirect/);
  });

  it('refuses a table without a namespace', async () => {
    const { catalog } = await opened();
    await expect(catalog.load('alone')).rejects.toMatchObject({ code: 'CATALOG_REFUSED' });
  });
});
