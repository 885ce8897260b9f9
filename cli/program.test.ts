import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import type { CommandIo } from './command-io.ts';
import { runProgram } from './program.ts';

/** Addresses of services that whoever runs the tests has exported would be settings here. */
beforeEach(() => {
  for (const name of Object.keys(process.env)) {
    if (/^(JG|KAFKA|SCHEMA_REGISTRY)_/.test(name)) vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

async function run(commandLine: readonly string[], over: Partial<CommandIo> = {}) {
  const io = fakeIo(over);
  const code = await runProgram(commandLine, io);
  return { code, ...io.written };
}

interface Request {
  readonly authorization: string | undefined;
  readonly body: { readonly query: string; readonly variables: Record<string, unknown> };
}

/** A server that answers every question the same; the requests it got are in `requests`. */
async function answering(status: number, answer: string): Promise<{ url: string; requests: Request[] }> {
  const requests: Request[] = [];
  const server = createServer(async (request, response) => {
    const body: Request['body'] = JSON.parse(await text(request));
    requests.push({ authorization: request.headers.authorization, body });
    response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { url: `http://127.0.0.1:${portOf(server.address())}`, requests };
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string')
    throw new TypeError('the server does not listen on a port');
  return address.port;
}

const step = (time: string, details: Record<string, unknown>) => ({
  node: { time, domain: 'games', action: 'played', properties: details },
});
const journeyOf = (edges: readonly unknown[], hasNextPage = false) =>
  JSON.stringify({ data: { journey: { edges, pageInfo: { hasNextPage } } } });
const topic = (over: Record<string, unknown>) => ({
  topic: 'games.launch',
  partition: 0,
  state: 'RUNNING',
  position: 12,
  lag: 3,
  freshnessMs: null,
  consumed: 12,
  applied: 10,
  superseded: 1,
  filtered: 0,
  deadLettered: 1,
  reason: null,
  ...over,
});
const statusOf = (...topics: readonly unknown[]) =>
  JSON.stringify({ data: { status: { nodes: 7, edges: 9, relativeError: 0.01625, topics } } });

describe('jg', () => {
  it.each(['--version', '-V'])('says its version with %s', async (flag) => {
    expect(await run([flag])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('leaves --version to a command that has one', async () => {
    const { code, err } = await run(['schema', 'show', 'views-value', '--version', '2']);
    expect([code, err]).toEqual([2, expect.stringContaining('REGISTRY_NOT_CONFIGURED')]);
  });

  it('leads every help with examples', async () => {
    for (const words of [
      ['--help'],
      ['up', '--help'],
      ['ingest', '--help'],
      ['api', 'serve', '--help'],
      ['store', 'copy', '--help'],
      ['journey', '--help'],
      ['query', '--help'],
    ]) {
      const { code, out } = await run(words);
      expect(code).toBe(0);
      expect(out).toMatch(/^Examples:\n/);
      expect(out).toContain('\nUsage: jg ');
    }
  });

  it('prints help to standard error and fails when it is not told what to do', async () => {
    const { code, out, err } = await run([]);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('Usage: jg');
  });

  it.each([
    ['a command', ['satus'], '(Did you mean status?)'],
    ['a flag of a question', ['status', '--wacth'], '(Did you mean --watch?)'],
    [
      'a setting that help shows',
      ['up', '--prot', '1'],
      'flag --prot: no setting is called "prot" (did you mean `port`?)',
    ],
    ['a setting that help hides', ['up', '--query.page.maxx=1'], '(did you mean `query.page.max`?)'],
    [
      'a setting with dashes',
      ['config', 'check', '--bootstrap-server', 'a:1'],
      '(did you mean `bootstrap.servers`?)',
    ],
  ])('says what was meant by %s that is misspelt', async (_name, words, expected) => {
    const { code, err } = await run(words);
    expect(code).toBe(2);
    expect(err).toContain(expected);
  });

  it('says all problems of a command line at once, without the values beside misspelt names', async () => {
    const { code, err } = await run([
      'up',
      '--port',
      '99999',
      '--sasl-pasword',
      'hunter2',
      '-x',
      '--slice.ms=soon',
    ]);
    expect(code).toBe(2);
    expect(err).toMatch(/^error INVALID_SETTINGS: 4 problems/);
    for (const flag of ['--port', '--sasl-pasword', '-x', '--slice.ms'])
      expect(err).toContain(`flag ${flag}: `);
    expect(err).not.toContain('hunter2');
  });

  it('takes nothing but flags where settings are meant, and does not repeat what it got', async () => {
    const { code, err } = await run(['up', 'hunter2']);
    expect(code).toBe(2);
    expect(err).toContain('error UNEXPECTED_ARGUMENT: `jg up` takes flags');
    expect(err).not.toContain('hunter2');
  });

  it('reports a bug with its stack and asks for it', async () => {
    const { code, err } = await run(['query', '-'], {
      readStdin: () => Promise.reject(new TypeError('a bug\u001b[2J')),
    });
    expect(code).toBe(1);
    expect(err).toMatch(/^This is a bug in Journey Graph; please report it/);
    expect(err).toContain('program.test.ts');
    expect(err).not.toContain('\u001b');
  });
});

describe('jg config', () => {
  it('shows values in both ways of writing a flag, with origins', async () => {
    const { code, out } = await run([
      'config',
      'show',
      '--origin',
      '--json',
      '--batch-bytes-max',
      '512KiB',
      '--port=0',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      'batch.bytes.max': { value: 524_288, origin: 'flag --batch.bytes.max' },
      port: { value: 0, origin: 'flag --port' },
    });
  });

  it.each([[[]], [['--json']], [['--origin']]])('masks secrets in every form %j', async (form) => {
    const { out, err } = await run(['config', 'show', '--api.token', 'hunter2-canary', ...form]);
    expect(out).toContain('********');
    expect(out + err).not.toContain('hunter2');
  });

  it('checks, and is quiet about it when asked', async () => {
    expect(await run(['config', 'check'])).toEqual({
      code: 0,
      out: '',
      err: 'The settings hold together.\n',
    });
    expect(await run(['config', 'check', '--quiet'])).toEqual({ code: 0, out: '', err: '' });
  });

  it('names a settings file that cannot be read', async () => {
    const { code, err } = await run(['config', 'check', '--config', '/nowhere/jg.yaml']);
    expect(code).toBe(2);
    expect(err).toContain('flag --config: cannot read /nowhere/jg.yaml (ENOENT)');
  });
});

describe('jg query', () => {
  it('prints the data of an answer and sends variables and token', async () => {
    const { url, requests } = await answering(200, '{"data":{"a":1}}');
    const words = ['query', '-', '--url', url, '--token', 't', '--variables', '{"x":2}'];
    const { code, out, err } = await run(words, { readStdin: async () => '{ a }' });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({ a: 1 });
    expect(requests).toEqual([{ authorization: 'Bearer t', body: { query: '{ a }', variables: { x: 2 } } }]);
  });

  it('prints the whole answer as JSON when asked', async () => {
    const { url } = await answering(200, '{"data":{"a":1},"extensions":{"b":2}}');
    const { out } = await run(['query', '{ a }', '--url', url, '--json']);
    expect(JSON.parse(out)).toEqual({ data: { a: 1 }, extensions: { b: 2 } });
  });

  it('puts errors on standard error by code, and fails', async () => {
    const { url } = await answering(
      400,
      '{"errors":[{"message":"no\\nway","extensions":{"code":"BAD_USER_INPUT"}}]}',
    );
    const { code, out, err } = await run(['query', '{ a }', '--url', url]);
    expect({ code, out, err }).toEqual({ code: 1, out: '', err: 'error BAD_USER_INPUT: no\\u000away\n' });
  });

  it.each([
    [
      'nothing listens',
      'http://127.0.0.1:1',
      1,
      'error SERVER_UNREACHABLE: http://127.0.0.1:1 does not answer',
    ],
    ['the address has no scheme', 'localhost:4000', 2, 'error INVALID_URL: --url takes an address'],
    ['the address is of another kind', 'ftp://host', 2, 'error INVALID_URL'],
    ['the address holds credentials', 'http://u:hunter2@127.0.0.1:1', 2, 'error INVALID_URL'],
  ])('says so when %s', async (_name, url, expectedCode, expected) => {
    const { code, err } = await run(['query', '{ a }', '--url', url]);
    expect(code).toBe(expectedCode);
    expect(err).toContain(expected);
    expect(err).not.toContain('hunter2');
  });

  it.each([
    ['wants a token', 401, '{}', 2, 'error UNAUTHORIZED'],
    ['does not speak JSON', 200, '<html>', 1, 'answered 200 with something that is not JSON'],
    ['does not speak GraphQL', 200, '[1]', 1, 'is not a GraphQL server'],
  ])('says so when the server %s', async (_name, status, answer, expectedCode, expected) => {
    const { url } = await answering(status, answer);
    const { code, err } = await run(['query', '{ a }', '--url', url]);
    expect(code).toBe(expectedCode);
    expect(err).toContain(expected);
  });

  it.each(['{x', '[]', 'null', '1'])('refuses %s as variables before it asks', async (variables) => {
    const { code, err } = await run([
      'query',
      '{ a }',
      '--url',
      'http://127.0.0.1:1',
      '--variables',
      variables,
    ]);
    expect(code).toBe(2);
    expect(err).toContain('error INVALID_VARIABLES');
  });
});

describe('jg journey', () => {
  it('prints steps as a table that a person can read', async () => {
    const steps = [
      step('2026-11-21T01:58:17.250Z', { device: 'TABLET', score: null, game: 'Arcade' }),
      step('2026-11-21T02:00:00Z', {}),
    ];
    const { url, requests } = await answering(200, journeyOf(steps, true));
    const words = [
      'journey',
      'Account:a:1',
      '--domains',
      'games, ads',
      '--first',
      '2',
      '--newest',
      '--url',
      url,
    ];
    const { code, out, err } = await run(words);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'time (UTC)           domain  step    details',
        '2026-11-21 01:58:17  games   played  device TABLET, game Arcade',
        '2026-11-21 02:00:00  games   played',
        '',
      ].join('\n'),
    );
    expect(err).toContain('There are more steps');
    expect(requests[0]?.body.variables).toEqual({
      of: { type: 'Account', id: 'a:1' },
      domains: ['games', 'ads'],
      first: 2,
      order: 'NEWEST_FIRST',
    });
    expect((await run([...words, '--quiet'])).err).toBe('');
  });

  it('lets no control character of an event reach the terminal, in neither form', async () => {
    const hostile = 'a\u001b]0;x\u0007\u009b2J\u202eb\nc\u2028';
    const { url } = await answering(200, journeyOf([step('2026-11-21T02:00:00Z', { title: hostile })]));
    for (const form of [[], ['--json']]) {
      const { out } = await run(['journey', 'Account:a', '--url', url, ...form]);
      expect(out).toContain('title');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    }
    const { out } = await run(['journey', 'Account:a', '--url', url, '--json']);
    expect(JSON.parse(out).journey.edges[0].node.properties.title).toBe(hostile);
  });

  it('says when a member has no steps', async () => {
    const { url } = await answering(200, journeyOf([]));
    const result = await run(['journey', 'Account:a', '--url', url]);
    expect(result).toEqual({ code: 0, out: '', err: 'Account:a has no steps there.\n' });
  });

  it.each([
    ['a member without a type', ['a'], 'INVALID_MEMBER'],
    ['a member without an id', ['Account:'], 'INVALID_MEMBER'],
    ['a count that is none', ['Account:a', '--first', 'x'], 'INVALID_FIRST'],
    ['a count of nothing', ['Account:a', '--first', '0'], 'INVALID_FIRST'],
  ])('refuses %s', async (_name, words, expected) => {
    const { code, err } = await run(['journey', ...words, '--url', 'http://127.0.0.1:1']);
    expect(code).toBe(2);
    expect(err).toContain(`error ${expected}: `);
  });
});

describe('a question to a server that is down', () => {
  it.each([
    ['query', ['query', '{ a }']],
    ['journey', ['journey', 'Account:a']],
    ['status', ['status']],
    ['status that watches', ['status', '--watch']],
  ])('is one sentence and the code of an outage: %s', async (_name, words) => {
    const { code, out, err } = await run([...words, '--url', 'http://127.0.0.1:1']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toBe(
      'error SERVER_UNREACHABLE: http://127.0.0.1:1 does not answer. Start one with `jg up`, or name another with --url.\n',
    );
  });
});

describe('jg status', () => {
  it('prints a row for each partition', async () => {
    const { url } = await answering(200, statusOf(topic({})));
    const { code, out } = await run(['status', '--url', url]);
    expect(code).toBe(0);
    expect(out).toMatch(/^topic +partition +state .*\ngames\.launch +0 +RUNNING +12 +3 /);
    expect(out).toContain('about 7 nodes and 9 edges (± 1.6 %)');
  });

  it('fails with its own code when a pipeline has stopped, and says why', async () => {
    const { url } = await answering(200, statusOf(topic({}), topic({ state: 'STOPPED', reason: 'a gap' })));
    const { code, out } = await run(['status', '--url', url]);
    expect(code).toBe(3);
    expect(out).toContain('a gap');
  });

  it('asks again until it is told to stop', async () => {
    const { url, requests } = await answering(200, statusOf(topic({})));
    const io = fakeIo({
      clock: {
        now: () => 0,
        sleep: async () => {
          if (requests.length === 3) io.stop.abort();
        },
      },
    });
    expect(await runProgram(['status', '--watch', '--url', url], io)).toBe(0);
    expect(requests).toHaveLength(3);
  });
});
