import { beforeEach, describe, expect, it } from 'vitest';
import type { AdjacencyQuery, GraphReader, JourneyQuery, Mutation } from '../../graph-store/index.ts';
import { AuthorizedReader } from './authorized-reader.ts';
import { Grant } from './grant.ts';
import { callerWith, eventAt, policyFrom, storeWith } from './policy-testing.ts';

const title = { type: 'Title', id: 't' };
const account = (at: number): { readonly type: string; readonly id: string } => ({
  type: 'Account',
  id: `a-${at}`,
});

const policy = policyFrom(`
version: 1
scopes:
  own:
    operations: [node]
    nodes:
      Account: { rows: [{ property: tenant, equalsClaim: tenant }], fields: [name] }
      Title: { rows: all, fields: all }
    edges: { WATCHED: { fields: [] } }
    steps: { games: { fields: [] } }
  names:
    operations: [node]
    nodes: { Account: { rows: all, fields: [name] } }
  self:
    operations: [node]
    nodes: { Account: { rows: [{ idEqualsClaim: sub }], fields: all, lineage: true } }
  tenanted:
    operations: [status]
    nodes: { '*': { rows: [{ property: tenant, equalsClaim: tenant }], fields: all } }
  graph:
    operations: []
    nodes: { '*': { rows: all, fields: all } }
    edges: { '*': { fields: all } }
`);

/** Counts what is asked of the store. */
function counted(store: GraphReader): { readonly reader: GraphReader; readonly calls: string[] } {
  const calls: string[] = [];
  const reader = new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...input: readonly unknown[]) => {
        calls.push(String(name));
        return method.apply(target, input);
      };
    },
  });
  return { reader, calls };
}

/** 200 accounts watched one title, of which every tenth is ours; one of ours played, with much watching between. */
async function crowd(): Promise<GraphReader> {
  const events = Array.from({ length: 200 }, (_, at) => {
    const tenant = at % 10 === 0 ? 'mine' : 'theirs';
    const mutations: Mutation[] = [
      {
        kind: 'node',
        node: account(at),
        properties: [
          ['tenant', tenant],
          ['name', `name-${at}`],
          ['mail', `mail-${at}`],
        ],
      },
      { kind: 'edge', type: 'WATCHED', from: account(at), to: title, properties: [] },
    ];
    const domain = at % 20 === 0 ? 'games' : 'streaming';
    mutations.push({
      kind: 'step',
      owner: account(0),
      domain,
      action: `did-${at}`,
      links: [],
      properties: [],
    });
    // Many at one moment, so that reading on has to tell them apart.
    return eventAt(1000 + Math.floor(at / 40), at, mutations);
  });
  return await storeWith(events);
}

let store: GraphReader;
beforeEach(async () => {
  store = await crowd();
});

function readerFor(
  scopes: readonly string[],
  claims: Readonly<Record<string, unknown>> = { tenant: 'mine' },
) {
  const { reader, calls } = counted(store);
  return { reader: new AuthorizedReader(reader, new Grant(policy, callerWith(scopes, claims))), calls };
}

function watchers(change: Partial<AdjacencyQuery> = {}): AdjacencyQuery {
  const bounds = { sinceMs: 0, untilMs: 9999, limit: 300, scanMax: 10_000 };
  return { of: title, type: 'WATCHED', direction: 'in', ...bounds, ...change };
}

function played(change: Partial<JourneyQuery> = {}): JourneyQuery {
  const bounds = { sinceMs: 0, untilMs: 9999, after: null, limit: 3, scanMax: 10_000, bytesMax: 10_000 };
  return { of: account(0), domains: null, order: 'oldest-first', ...bounds, ...change };
}

describe('A reader with a grant', () => {
  it('fills a page with what may be seen, in a few rounds of one read of edges and one of nodes', async () => {
    const { reader, calls } = readerFor(['own']);
    const page = await reader.adjacency(watchers({ limit: 10 }));
    const times = page.occurrences.map(({ timeMs }) => timeMs);
    expect(times).toEqual([1004, 1004, 1004, 1004, 1003, 1003, 1003, 1003, 1002, 1002]);
    expect(page.occurrences.every(({ from }) => /^a-\d*0$/.test(from.id))).toBe(true);
    expect(new Set(page.occurrences.map(({ from }) => from.id)).size).toBe(10);
    expect(page).toMatchObject({ scanned: 10, truncated: false });
    expect(calls.length).toBeLessThanOrEqual(6);
    expect(new Set(calls)).toEqual(new Set(['adjacencies', 'nodes']));
  });

  it('finds all that may be seen, each once, when the page is large enough', async () => {
    const page = await readerFor(['own']).reader.adjacency(watchers());
    expect(page.occurrences.map(({ from }) => from.id).toSorted()).toEqual(
      Array.from({ length: 20 }, (_, at) => `a-${at * 10}`).toSorted(),
    );
    expect(page).toMatchObject({ scanned: 20, truncated: false });
  });

  it('goes on after the last that was shown, and names no place of a hidden one', async () => {
    const { reader } = readerFor(['own']);
    const found: string[] = [];
    let after: AdjacencyQuery['after'] = null;
    for (let pages = 0; pages < 10; pages += 1) {
      const page = await reader.adjacency(watchers({ limit: 3, after }));
      found.push(...page.occurrences.map(({ from }) => from.id));
      expect(page.last?.far ?? null).toEqual(page.occurrences.at(-1)?.from ?? null);
      if (page.last === null) break;
      after = page.last;
    }
    expect(found.toSorted()).toEqual(Array.from({ length: 20 }, (_, at) => `a-${at * 10}`).toSorted());
  });

  it('looks at no more rows than a query may, and says that it stopped', async () => {
    const page = await readerFor(['own']).reader.adjacency(watchers({ limit: 15, scanMax: 50 }));
    expect(page).toMatchObject({ scanned: 50, truncated: true });
    expect(page.occurrences.length).toBeLessThanOrEqual(5);
  });

  it('counts at a node what may be seen there', async () => {
    const { limit: _, ...query } = watchers();
    expect(await readerFor(['own']).reader.degree(query)).toEqual({ count: 20, exact: true });
    expect(await readerFor(['names']).reader.degree(query)).toEqual({ count: 0, exact: true });
  });

  it('says of a count that a bound on rows ended it that it is not exact, and of one that just fits that it is', async () => {
    const events = Array.from({ length: 30 }, (_, at) =>
      eventAt(1000 + at, at, [
        { kind: 'node', node: account(at), properties: [['tenant', 'mine']] },
        { kind: 'edge', type: 'WATCHED', from: account(at), to: title, properties: [] },
      ]),
    );
    store = await storeWith(events);
    const { limit: _, ...query } = watchers();
    const { reader } = readerFor(['own']);
    expect(await reader.degree({ ...query, scanMax: 10 })).toEqual({ count: 10, exact: false });
    expect(await reader.degree({ ...query, scanMax: 29 })).toEqual({ count: 29, exact: false });
    expect(await reader.degree({ ...query, scanMax: 30 })).toEqual({ count: 30, exact: true });
  });

  it('reads no node for a hop to a type that everybody sees', async () => {
    const { reader, calls } = readerFor(['own', 'names']);
    expect((await reader.adjacency(watchers({ limit: 200 }))).occurrences).toHaveLength(200);
    expect(calls).toEqual(['adjacencies']);
  });

  it('pages through all steps of its domains, of which neither places nor counts of others can be told', async () => {
    const { reader } = readerFor(['own']);
    const seen: string[] = [];
    let after: JourneyQuery['after'] = null;
    for (let at = 0; at < 10; at += 1) {
      const page = await reader.journey(played({ after }));
      seen.push(...page.steps.map(({ action }) => action));
      expect(page.scanned).toBe(page.steps.length);
      const last = page.steps.at(-1);
      expect(page.last).toEqual(
        last === undefined ? null : { timeMs: last.timeMs, occurrence: last.occurrence },
      );
      after = page.last;
      if (!page.more) break;
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, at) => `did-${at * 20}`));
  });

  it('says that a bound on rows ended a page, and refuses one that holds nothing because of it', async () => {
    const { reader } = readerFor(['own']);
    const page = await reader.journey(played({ scanMax: 15 }));
    expect(page).toMatchObject({ more: true, truncated: true, scanned: 15 });
    expect(page.steps.map(({ action }) => action)).toEqual(['did-0']);
    const next = reader.journey(played({ scanMax: 15, after: page.last }));
    await expect(next).rejects.toThrow('More than 15 rows of this journey had to be looked at');
  });

  it('goes on behind a page that its size ended, and knows when there is nothing behind', async () => {
    const { reader } = readerFor(['own']);
    expect(await reader.journey(played({ bytesMax: 1 }))).toMatchObject({
      more: true,
      truncated: true,
      scanned: 1,
    });
    const end = await reader.journey(
      played({ bytesMax: 1, sinceMs: 1004, limit: 1, after: { timeMs: 1004, occurrence: 170n } }),
    );
    expect(end).toMatchObject({ more: false, truncated: false, scanned: 1 });
  });

  it('shows the fields of those scopes whose rule the node meets, and of no other', async () => {
    const { reader } = readerFor(['names', 'self'], { sub: 'a-5' });
    const [own, other] = await reader.nodes([account(5), account(6)]);
    expect(own?.properties.map(({ name }) => name)).toEqual(['mail', 'name', 'tenant']);
    expect(own?.lineage).not.toBeNull();
    expect(other?.properties.map(({ name }) => name)).toEqual(['name']);
    expect(other?.lineage).toBeNull();
  });

  it('takes a claim that is missing for equal to nothing, also where the property is missing', async () => {
    const { reader } = readerFor(['tenanted'], {});
    expect(await reader.nodes([title, account(0)])).toEqual([null, null]);
  });

  it('takes any element of a claim that is a list', async () => {
    const { reader } = readerFor(['tenanted'], { tenant: ['theirs', 'mine'] });
    expect((await reader.nodes([account(0), account(1), title])).map((view) => view?.node.id)).toEqual([
      'a-0',
      'a-1',
      undefined,
    ]);
  });

  it('asks nothing of the store for types, edges and domains that no scope names', async () => {
    const { reader, calls } = readerFor(['unknown']);
    expect(await reader.node(title)).toBeNull();
    expect(await reader.adjacency(watchers())).toEqual({
      occurrences: [],
      scanned: 0,
      truncated: false,
      last: null,
    });
    expect(await reader.journey(played())).toMatchObject({ steps: [], scanned: 0, more: false });
    expect(
      await reader.edge({
        type: 'WATCHED',
        from: account(0),
        to: title,
        key: null,
        folds: new Map(),
        scanMax: 5,
      }),
    ).toBeNull();
    expect(calls).toEqual([]);
  });

  it('gives figures of everybody only where the operation `status` is granted', async () => {
    await expect(readerFor(['own']).reader.estimate()).rejects.toThrow(
      'No scope of your token allows `status`',
    );
    await expect(readerFor(['own']).reader.sources()).rejects.toThrow(
      'No scope of your token allows `status`',
    );
    expect(await readerFor(['tenanted']).reader.estimate()).toMatchObject({ nodes: 201 });
  });

  it('lets only those go through the whole graph from whom it hides nothing', async () => {
    for (const scope of ['own', 'names', 'self', 'tenanted', 'unknown']) {
      const { reader, calls } = readerFor([scope]);
      expect(() => reader.bulk).toThrow('No scope of your token allows `audiences`');
      expect(calls).toEqual([]);
    }
    const accounts = { type: 'Account', after: null, limit: 300 };
    expect((await readerFor(['graph']).reader.bulk.scan(accounts)).ids).toHaveLength(200);
  });
});
