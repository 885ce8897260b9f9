import { describe, expect, it, onTestFinished } from 'vitest';
import { ask, startTestApi } from '../api-testing.ts';
import { AuthorizedReader } from '../policy/authorized-reader.ts';
import { Grant } from '../policy/grant.ts';
import { callerWith, policyFrom, storeWith } from '../policy/policy-testing.ts';
import { clock, nodeAt, watchedAt, watchedGraph } from './typed-edges-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  own:
    operations: [node]
    nodes:
      Account: { rows: all, fields: all }
      Title: { rows: [{ property: tenant, equalsClaim: tenant }], fields: all }
    edges: { WATCHED: { fields: all } }
`);
const query = (where: string): string => `query ($after: String) { account(id: "a") {
  watched(first: 2, after: $after${where}) { edges { nodeRef { id } } pageInfo { hasNextPage endCursor } completeness { truncatedBy } } } }`;

/** Titles as a member watched them, the newest first: those of another tenant are hidden. */
async function asking(
  titles: readonly string[],
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever was asked for
): Promise<(where: string, after: string | null) => Promise<any>> {
  const tenantOf = (id: string): string => (id.startsWith('h') ? 'theirs' : 'mine');
  const events = titles.flatMap((id, at) => [
    nodeAt('Title', id, [['tenant', tenantOf(id)]]),
    watchedAt(10 + at, 'a', [id]),
  ]);
  const store = await storeWith([nodeAt('Account', 'a', []), ...events]);
  const reader = new AuthorizedReader(store, new Grant(policy, callerWith(['own'], { tenant: 'mine' })));
  const status = { graphSchema: () => watchedGraph };
  const server = await startTestApi({ reader, clock, status, limits: { scanRowsMax: 4 } });
  onTestFinished(() => server.close());
  return async (where, after) => JSON.parse((await ask(server, query(where), { after })).text);
}

const hidden = ['h1', 'h2', 'h3', 'h4', 'h5'];

describe('A connection of which a caller sees some edges', () => {
  describe.each([
    ['without a condition', ''],
    ['with one that all edges meet', ', where: {not: {seconds: {gt: 1}}}'],
  ])('%s', (_what, where) => {
    it('is refused where a page would hold nothing, not even a place to go on from', async () => {
      const asked = await asking([...hidden, 'm1']);
      expect((await asked(where, null)).errors).toMatchObject([
        {
          message:
            'More than 4 rows of these edges had to be looked at to find one that you may see: narrow `since` and `until`.',
          path: ['account', 'watched'],
          extensions: { code: 'QUERY_TOO_LARGE', limit: 4 },
        },
      ]);
    });

    it('gives no page twice to one who follows its cursors', async () => {
      const asked = await asking(['m1', ...hidden, 'm2']);
      const { watched } = (await asked(where, null)).data.account;
      expect(watched).toMatchObject({
        edges: [{ nodeRef: { id: 'm1' } }],
        pageInfo: { hasNextPage: true },
        completeness: { truncatedBy: 'SCAN' },
      });
      const next = await asked(where, watched.pageInfo.endCursor);
      expect(next.errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_LARGE' } }]);
    });

    it('goes on behind as many hidden ones as may be looked at', async () => {
      const asked = await asking(['m1', 'h1', 'h2', 'm2', 'h3', 'm3']);
      const seen: string[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < 5; pages += 1) {
        const answer = await asked(where, after);
        const { watched } = answer.data.account;
        seen.push(...watched.edges.map((edge: { nodeRef: { id: string } }) => edge.nodeRef.id));
        if (!watched.pageInfo.hasNextPage) break;
        after = watched.pageInfo.endCursor;
      }
      expect(seen).toEqual(['m1', 'm2', 'm3']);
    });
  });
});
