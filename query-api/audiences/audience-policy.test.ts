import { expect, it, onTestFinished } from 'vitest';
import { silentLog, systemClock } from '../../foundation/index.ts';
import { startTestApi } from '../api-testing.ts';
import { audience, issuer, startIssuer } from '../auth/issuer.fake.ts';
import { JwksKeys } from '../auth/jwks-keys.ts';
import { TokenVerifier } from '../auth/token-verifier.ts';
import { eventAt, policyFrom, storeWith } from '../policy/policy-testing.ts';
import { openTestAudiences } from './audience-testing.ts';

const policy = policyFrom(`
version: 1
scopes:
  marketing:
    operations: [freezeAudience, audience]
    nodes: { "*": { rows: all, fields: all } }
    edges: { "*": { fields: all } }
  support:
    operations: [node, audience]
    nodes: { Account: { rows: all, fields: all } }
`);

it('Under a policy who sees everything may freeze, without a right to the state of the pipelines; who does not is told what they lack', async () => {
  const nowMs = Date.now();
  const node = { type: 'Account', id: 'a' };
  const graph = await storeWith([eventAt(nowMs, 1, [{ kind: 'node', node, properties: [['plan', 'p']] }])]);
  const test = await openTestAudiences({ sources: () => graph.sources() });
  onTestFinished(() => test[Symbol.asyncDispose]());
  const fake = await startIssuer(nowMs, 'EdDSA');
  onTestFinished(() => fake.close());
  const keys = new JwksKeys(fake.url, { clock: systemClock, log: silentLog });
  const jwt = new TokenVerifier(
    keys,
    { issuer, audience, algorithms: ['EdDSA'], clockToleranceMs: 0 },
    systemClock,
  );
  const server = await startTestApi({ reader: graph, audiences: test.audiences, access: { jwt, policy } });
  onTestFinished(() => server.close());
  const headersOf = async (scope: string): Promise<Record<string, string>> => ({
    'content-type': 'application/json',
    authorization: `Bearer ${await fake.token({ scope })}`,
  });
  const query = `mutation { freezeAudience(memberType: "Account", name: "n", key: "k", waitMs: 4000,
    where: {member: {property: "plan", eq: "p"}}) { id state failure size sources { topic next } } }`;
  const frozen = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: await headersOf('marketing'),
    body: JSON.stringify({ query }),
  });
  const { data } = JSON.parse(await frozen.text());
  expect(data.freezeAudience).toMatchObject({
    state: 'READY',
    failure: null,
    size: 1,
    sources: [{ topic: 't', next: 1 }],
  });
  const members = `${server.url}/audiences/${data.freezeAudience.id}/members`;
  expect((await fetch(members, { headers: await headersOf('marketing') })).status).toBe(200);
  const refused = await fetch(members, { headers: await headersOf('support') });
  expect(refused.status).toBe(403);
  expect(JSON.parse(await refused.text()).errors[0].extensions).toMatchObject({
    code: 'FORBIDDEN',
    forbidden: 'audience',
  });
});
