import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RunningCommand } from '../test/pack/running-command.ts';

const main = join(import.meta.dirname, 'main.ts');
const policy = `version: 1
scopes:
  self:
    operations: [node, journey]
    nodes: { Account: { rows: [{ idEqualsClaim: sub }], fields: [plan] }, Title: { rows: all, fields: all } }
    edges: { '*': { fields: [] } }
    steps: { streaming: { fields: [] } }
`;

/** `jg up` where callers need a JWT of this key; a member's is made by `token`. */
function start(policyText: string) {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-access-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(folder, 'policy.yaml'), policyText);
  const settings = [
    ['--api.jwt.key.file', join(folder, 'key.pem')],
    ['--api.jwt.issuer', 'issuer', '--api.jwt.audience', 'graph'],
    ['--api.policy.file', join(folder, 'policy.yaml'), '--api.federation', 'true'],
  ].flat();
  const words = [main, 'up', '--port', '0', '--data', join(folder, 'data'), ...settings];
  const running = new RunningCommand(process.execPath, words, tmpdir());
  onTestFinished(() => running.kill('SIGKILL'));
  return { running, token: (sub: string) => tokenOf(privateKey, sub) };
}

async function tokenOf(key: KeyObject, sub: string): Promise<string> {
  const claims = { iss: 'issuer', aud: 'graph', sub, scope: 'self' };
  return await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime('1h').sign(key);
}

async function ask(url: string, query: string, token: string | null) {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const headers = { 'content-type': 'application/json', ...authorization };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ query }),
  });
  return { status: response.status, answer: JSON.parse(await response.text()) };
}

describe('jg up with JWTs and a policy', () => {
  it('shows members themselves, strangers nothing, and its own first question still', async () => {
    const { running, token } = start(policy);
    await running.printed(/^A question, journey/m);
    const [, url = ''] = await running.printed(/(http:\/\/127\.0\.0\.1:\d+)\/\n/);
    expect((await ask(url, '{ __typename }', null)).status).toBe(401);
    const query =
      '{ account(id: "acc-000001") { plan properties journey { edges { node { domain properties } } } } }';
    const { answer } = await ask(url, query, await token('acc-000001'));
    const { plan, properties, journey } = answer.data.account;
    expect([plan, properties]).toEqual(['STANDARD', { plan: 'STANDARD' }]);
    expect(journey.edges.length).toBeGreaterThan(0);
    for (const { node } of journey.edges) expect(node).toEqual({ domain: 'streaming', properties: {} });
    expect((await ask(url, query, await token('acc-000002'))).answer).toEqual({ data: { account: null } });
    const status = await ask(url, '{ status { nodes } }', await token('acc-000001'));
    expect([status.status, status.answer.errors[0].extensions.code]).toEqual([403, 'FORBIDDEN']);
    const service = await ask(url, '{ _service { sdl } }', await token('x'));
    expect(service.answer.data._service.sdl).toContain(
      'type Account implements GraphNode @key(fields: "id")',
    );
    running.kill('SIGINT');
    expect((await running.exited).code).toBe(0);
  }, 60_000);

  it('does not start on a policy that is wrong, and says where', async () => {
    const { running } = start('version: 1\nscopes:\n  self: { operation: [] }\n');
    expect((await running.exited).code).toBe(2);
    expect(running.err).toMatch(
      /^error POLICY_INVALID: .*\n.*policy\.yaml:3:11: `operation` means nothing here/,
    );
  });
});
