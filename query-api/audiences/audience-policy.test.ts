import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestApi } from '../api-testing.ts';
import { callerWith, eventAt, policyFrom, storeWith } from '../policy/policy-testing.ts';
import { openTestAudiences, type TestAudiences } from './audience-testing.ts';

const all = 'nodes: { "*": { rows: all, fields: all } }, edges: { "*": { fields: all } }';
/** From each something is hidden. */
const narrow = {
  'all types of node but one':
    'nodes: { Account: { rows: all, fields: all } }, edges: { "*": { fields: all } }',
  'all nodes but their own':
    'nodes: { "*": { rows: [{ idEqualsClaim: sub }], fields: all } }, edges: { "*": { fields: all } }',
  'a property of nodes': 'nodes: { "*": { rows: all, fields: [plan] } }, edges: { "*": { fields: all } }',
  'all types of edge but one':
    'nodes: { "*": { rows: all, fields: all } }, edges: { WATCHED: { fields: all } }',
  'the properties of edges': 'nodes: { "*": { rows: all, fields: all } }, edges: { "*": { fields: [] } }',
};
const operations = 'operations: [audienceEstimate, audience, audiences, freezeAudience, deleteAudience]';
const policy = policyFrom(
  [
    'version: 1',
    'scopes:',
    `  marketing: { operations: [freezeAudience, audience], ${all} }`,
    `  figures: { operations: [freezeAudience], ${all} }`,
    ...Object.values(narrow).map((rights, at) => `  narrow-${at}: { ${operations}, ${rights} }`),
  ].join('\n'),
);
const where = 'where: {member: {property: "plan", eq: "p"}}';
const freeze = (key: string): string =>
  `mutation { freezeAudience(memberType: "Account", name: "n", key: "${key}", waitMs: 4000, ${where}) {
    id state failure size sources { topic next } } }`;

interface Asking {
  readonly test: TestAudiences;
  /** A caller's scope stands in the place of their token. */
  ask(scope: string, query: string): Promise<{ readonly data: Answer; readonly errors?: unknown }>;
  members(scope: string, id: string): Promise<Response>;
}
type Answer = Readonly<Record<string, Readonly<Record<string, unknown>>>> | null;

async function startAsking(): Promise<Asking> {
  const node = { type: 'Account', id: 'a' };
  const properties = [['plan', 'p']] as const;
  const graph = await storeWith([eventAt(Date.now(), 1, [{ kind: 'node', node, properties }])]);
  const test = await openTestAudiences({ sources: () => graph.sources() });
  onTestFinished(() => test[Symbol.asyncDispose]());
  const verify = async (scope: string) => ({ kind: 'caller' as const, caller: callerWith([scope]) });
  const access = { jwt: { verify }, policy };
  const server = await startTestApi({ reader: graph, audiences: test.audiences, access });
  onTestFinished(() => server.close());
  const headersOf = (scope: string): Record<string, string> => ({
    'content-type': 'application/json',
    authorization: `Bearer ${scope}`,
  });
  return {
    test,
    ask: async (scope, query) => {
      const body = JSON.stringify({ query });
      const response = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: headersOf(scope),
        body,
      });
      return JSON.parse(await response.text());
    },
    members: (scope, id) => fetch(`${server.url}/audiences/${id}/members`, { headers: headersOf(scope) }),
  };
}

describe('Under a policy, who sees everything', () => {
  it('may freeze, without a right to the state of the pipelines, and read the members', async () => {
    const { ask, members } = await startAsking();
    const { data } = await ask('marketing', freeze('k'));
    expect(data?.freezeAudience).toMatchObject({
      state: 'READY',
      failure: null,
      size: 1,
      sources: [{ topic: 't', next: 1 }],
    });
    const stream = await members('marketing', String(data?.freezeAudience?.id));
    expect(stream.status).toBe(200);
    expect(await stream.text()).toContain('{"type":"Account","id":"a"}');
  });

  it('is not streamed the members where no scope names the operation', async () => {
    const { ask, members } = await startAsking();
    const { data } = await ask('figures', freeze('k'));
    expect(data?.freezeAudience).toMatchObject({ state: 'READY' });
    expect((await members('figures', String(data?.freezeAudience?.id))).status).toBe(403);
  });
});

describe.each(Object.keys(narrow).map((hidden, at) => [hidden, `narrow-${at}`] as const))(
  'A caller to whom every operation is granted and %s hidden',
  (_hidden, scope) => {
    it.each([
      ['is estimated no audience', `{ audienceEstimate(memberType: "Account", ${where}) { count } }`],
      ['freezes none', freeze('another')],
      ['is told of none by its id', '{ audience(id: "ID") { id name size definition } }'],
      ['is told of none in a list', '{ audiences { id } }'],
      ['deletes none', 'mutation { deleteAudience(id: "ID") }'],
    ])('%s', async (_name, query) => {
      const { test, ask } = await startAsking();
      const { data } = await ask('marketing', freeze('k'));
      const id = String(data?.freezeAudience?.id);
      const answer = await ask(scope, query.replace('ID', id));
      expect(answer.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', forbidden: 'audiences' } }]);
      expect(JSON.stringify(answer)).not.toContain(id);
      expect(test.audiences.list()).toHaveLength(1);
    });

    it('is streamed no members', async () => {
      const { ask, members } = await startAsking();
      const { data } = await ask('marketing', freeze('k'));
      const refused = await members(scope, String(data?.freezeAudience?.id));
      expect([refused.status, JSON.parse(await refused.text())]).toMatchObject([
        403,
        { errors: [{ extensions: { code: 'FORBIDDEN', forbidden: 'audience' } }] },
      ]);
    });
  },
);
