import { expect, it, onTestFinished } from 'vitest';
import { nowMs, startTestGraph, watchedAt } from './typed-edges/typed-edges-testing.ts';

/** As issue and documents write it: the same text wherever there is a completeness. */
const selected =
  'completeness { complete truncatedAt { hop kind limit edge node { type id } nodes } limit edgesScanned }';
const ann = '{type: "Account", id: "ann"}';

async function startEvening(): Promise<Awaited<ReturnType<typeof startTestGraph>>> {
  const graph = await startTestGraph();
  onTestFinished(() => graph.server.close());
  await graph.write(watchedAt(3000, 'ann', ['dark']), watchedAt(2000, 'ann', ['lupin']));
  const step = { kind: 'step', owner: { type: 'Account', id: 'ann' }, domain: 'd', action: 'a' } as const;
  for (const occurrence of [8n, 9n]) {
    const mutations = [{ ...step, links: [], properties: [] }];
    await graph.write({ timeMs: nowMs - 1000, rank: 0, occurrence, mutations });
  }
  return graph;
}

it('One selection of what an answer left out is valid of journeys, connections and every walk', async () => {
  const graph = await startEvening();
  const query = `{
    journey(of: ${ann}) { ${selected} }
    account(id: "ann") { watched { ${selected} } journey { ${selected} } }
    traverse(from: [${ann}], hops: [{edge: "WATCHED"}]) { ${selected} }
    paths(from: ${ann}, to: {type: "Title", id: "dark"}) { ${selected} }
    cycles(through: ${ann}) { ${selected} }
    sharedNeighbours(of: ${ann}, over: {edge: "WATCHED"}) { ${selected} } }`;
  const whole = {
    completeness: { complete: true, truncatedAt: [], limit: null, edgesScanned: expect.any(Number) },
  };
  const { errors, data } = await graph.ask(query);
  expect(errors).toBeUndefined();
  const { account, ...others } = data;
  expect(account).toEqual({ watched: whole, journey: whole });
  expect(others).toEqual({
    journey: whole,
    traverse: whole,
    paths: whole,
    cycles: whole,
    sharedNeighbours: whole,
  });
});

it('A page that was cut short says where as a walk does, the same as by its older names, whichever way it is answered', async () => {
  const graph = await startEvening();
  const older = 'completeness { complete truncatedBy limit scanned }';
  const query = `{ account(id: "ann") {
    watched(first: 1) { ${selected} ${older} } journey(first: 1) { ${selected} ${older} } } }`;
  const cut = (edge: string | null, rows: number): object => ({
    completeness: {
      complete: false,
      truncatedAt: [{ hop: 1, kind: 'PAGE', limit: 1, edge, node: { type: 'Account', id: 'ann' }, nodes: 1 }],
      truncatedBy: 'PAGE',
      limit: 1,
      edgesScanned: rows,
      scanned: rows,
    },
  });
  // A document that comes again is answered the short way.
  for (const _ of [1, 2, 3]) {
    const { data } = await graph.ask(query);
    expect(data.account).toEqual({ watched: cut('WATCHED', 2), journey: cut(null, 1) });
  }
});
