import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type LoadedSettings,
  loadServerAddress,
  loadSettings,
  type SettingsInput,
  secretValues,
  settingSpecs,
  settingsPage,
  showSettings,
} from './index.ts';

const yaml = (text: string): SettingsInput['files'][number] => ({ name: 'jg.yaml', kind: 'yaml', text });

function load(input: Partial<SettingsInput>): LoadedSettings {
  return loadSettings({ flags: {}, environment: {}, files: [], ...input });
}

function problems(input: Partial<SettingsInput>): string {
  try {
    load(input);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('the settings were taken');
}

describe('settings', () => {
  it('have defaults that hold together', () => {
    const { settings } = load({});
    expect(settings.port).toBe(4000);
    expect(settings['api.token']).toBeNull();
    expect(settings['security.protocol']).toBe('PLAINTEXT');
  });

  it('come from flags before environment before files before defaults, and say from where', () => {
    const { settings, origins } = load({
      flags: { port: '1' },
      environment: { JG_PORT: '2', JG_HOST: 'localhost', KAFKA_BOOTSTRAP_SERVERS: 'a:1' },
      files: [
        yaml('port: 3\nhost: 127.0.0.2\ntopics: [a, b]\nschema:\n  registry.url: http://r\ndata: ./d\n'),
      ],
    });
    expect(settings).toMatchObject({ port: 1, host: 'localhost', data: './d', topics: ['a', 'b'] });
    expect(origins.get('port')).toBe('flag --port');
    expect(origins.get('host')).toBe('environment JG_HOST');
    expect(origins.get('schema.registry.url')).toBe('jg.yaml:5:3');
    expect(origins.get('bootstrap.servers')).toBe('environment KAFKA_BOOTSTRAP_SERVERS');
    expect(origins.get('log.level')).toBe('default');
  });

  it('take sizes and durations with suffixes', () => {
    const { settings } = load({
      flags: { 'batch.bytes.max': '2MiB', 'query.lookback.ms': '30d', 'retry.backoff.ms': '0.5s' },
    });
    expect(settings['batch.bytes.max']).toBe(2 * 2 ** 20);
    expect(settings['query.lookback.ms']).toBe(30 * 86_400_000);
    expect(settings['retry.backoff.ms']).toBe(500);
  });

  it('are read from a Kafka properties file by librdkafka names', () => {
    const text =
      '# comment\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=p=q\nacks=all\n';
    const { settings } = load({ files: [{ name: 'client.properties', kind: 'properties', text }] });
    expect(settings).toMatchObject({ 'security.protocol': 'SASL_SSL', 'sasl.password': 'p=q' });
  });

  it('are refused all at once, each with where it was written', () => {
    const text = problems({
      flags: { prot: '1' },
      environment: { JG_SLICE_MS: 'soon' },
      files: [yaml('port: 70000\nlog.level: loud\n  bad')],
    });
    expect(text).toContain('flag --prot: no setting is called "prot" (did you mean `port`?)');
    expect(text).toContain('environment JG_SLICE_MS: slice.ms takes a whole number of ms');
    expect(text).toMatch(/jg\.yaml:\d+:\d+: /);
  });

  it('are checked against each other beside other problems, where each stands by itself', () => {
    const text = problems({
      flags: {
        port: '99999',
        'heartbeat.interval.ms': '20s',
        'query.page.max': 'x',
        'query.page.default': '600',
      },
    });
    expect(text).toContain('3 problems');
    expect(text).toContain('flag --port: ');
    expect(text).toContain('flag --heartbeat.interval.ms: heartbeat.interval.ms must be at most a third');
    expect(text).toContain('flag --query.page.max: ');
  });

  it('let the server listen beyond this machine where callers have a token or a JWT', () => {
    const jwt = { 'api.jwt.jwks.url': 'https://i/jwks', 'api.jwt.issuer': 'i', 'api.jwt.audience': 'a' };
    for (const who of [jwt, { 'api.token': 't' }, { ...jwt, 'api.jwt.jwks.url': 'http://[::1]:9/jwks' }]) {
      expect(load({ flags: { host: '0.0.0.0', ...who } }).settings.host).toBe('0.0.0.0');
    }
  });

  it('lead a contradiction with where somebody wrote one of its sides', () => {
    expect(problems({ files: [yaml('max.partition.fetch.bytes: 16MiB')] })).toContain(
      'jg.yaml:1:1: fetch.max.bytes must not be below `max.partition.fetch.bytes`',
    );
  });

  it('are looked up for a client by what it needs alone', () => {
    const environment = { KAFKA_BOOTSTRAP_SERVERS: 'a:1', JG_SLICE_MS: 'soon', JG_PORT: '4100' };
    const client = { flags: {}, environment, files: [] };
    expect(() => loadSettings(client)).toThrow('slice.ms');
    expect(loadServerAddress(client)).toMatchObject({ port: 4100, host: '127.0.0.1', 'api.token': null });
    expect(() => loadServerAddress({ ...client, environment: { JG_PORT: 'x' } })).toThrow(
      'JG_PORT: port takes',
    );
    expect(() => loadServerAddress({ ...client, environment: { JG_PROT: '1' } })).toThrow('"prot"');
  });

  it.each([
    [
      'an unknown name in our environment prefix',
      { environment: { JG_PROT: '1' } },
      'environment JG_PROT: no setting is called "prot"',
    ],
    [
      'a port out of range',
      { files: [yaml('port: 70000')] },
      'jg.yaml:1:1: port takes whole numbers from 0 to 65535, not "70000"',
    ],
    [
      'a choice that does not exist',
      { files: [yaml('\nlog.level: inof')] },
      'jg.yaml:2:1: log.level takes debug, info, warn, error, silent, not "inof" (did you mean `info`?)',
    ],
    [
      'a number in another unit',
      { flags: { 'batch.bytes.max': '3 parsecs' } },
      'flag --batch.bytes.max: batch.bytes.max takes a whole number of bytes',
    ],
    ['a duplicate key', { files: [yaml('port: 1\nport: 2')] }, 'jg.yaml:2:1: Map keys must be unique'],
    [
      'a name written twice in two forms',
      { files: [yaml('schema.registry.url: http://a\nschema:\n  registry.url: http://b')] },
      'jg.yaml:3:3: schema.registry.url is set already at jg.yaml:1:1',
    ],
    ['a list in a list', { files: [yaml('topics: [a, [b]]')] }, 'jg.yaml:1:1: a list takes plain items'],
    ['an item with a comma', { files: [yaml('topics: ["a,b"]')] }, 'jg.yaml:1:1: a list takes plain items'],
    ['an alias', { files: [yaml('host: &h a\ndata: *h')] }, 'jg.yaml:2:1: a value that begins with *'],
    ['an anchor', { files: [yaml('host: &h a')] }, 'jg.yaml:1:1: a value that begins with &'],
    ['a key that is no text', { files: [yaml('? [a]\n: b')] }, 'jg.yaml:1:3: a name must be plain text'],
    ['two documents', { files: [yaml('port: 1\n---\nport: 2')] }, 'jg.yaml:2:1: Source contains multiple'],
    [
      'an address that is none',
      { flags: { 'schema.registry.url': 'registry:8081' } },
      'schema.registry.url takes an address such as http://',
    ],
    [
      'a broker without a port',
      { flags: { 'bootstrap.servers': 'a:1, b' } },
      'bootstrap.servers takes host:port, comma separated, not "b"',
    ],
    ['a file that is a list', { files: [yaml('- a')] }, 'jg.yaml:1:1: settings are written as'],
    [
      'a properties line without =',
      { files: [{ name: 'c.properties', kind: 'properties', text: 'a\n' }] },
      'c.properties:1:1: takes `name=value` lines',
    ],
    [
      'listening beyond loopback without a token',
      { flags: { host: '0.0.0.0' } },
      'flag --host: host listens beyond this machine',
    ],
    [
      'keys of an issuer without what its tokens are for',
      { flags: { 'api.jwt.key.file': 'key.pem', 'api.jwt.issuer': 'https://i' } },
      'api.jwt.issuer and `api.jwt.audience` must be set together',
    ],
    [
      'keys of an issuer that anybody on the way can change',
      { flags: { 'api.jwt.jwks.url': 'http://i/jwks', 'api.jwt.issuer': 'i', 'api.jwt.audience': 'a' } },
      'flag --api.jwt.jwks.url: api.jwt.jwks.url must be https',
    ],
    [
      'tokens signed with a shared secret',
      { flags: { 'api.jwt.algorithms': 'RS256,HS256' } },
      'flag --api.jwt.algorithms: api.jwt.algorithms takes RS, PS or ES',
    ],
    ['unsigned tokens', { flags: { 'api.jwt.algorithms': 'none' } }, 'api.jwt.algorithms takes RS, PS or ES'],
    [
      'nodes of one cluster at two ports',
      { flags: { 'cassandra.contact.points': '10.0.0.1:9042, 10.0.0.2:9142' } },
      'flag --cassandra.contact.points: cassandra.contact.points must have one port',
    ],
    [
      'a policy for nobody',
      { flags: { 'api.policy.file': 'policy.yaml' } },
      'flag --api.policy.file: api.policy.file is about callers with a JWT',
    ],
    [
      'an instance of a group that Kafka would not take',
      { flags: { 'group.instance.id': 'pod/0' } },
      'flag --group.instance.id: group.instance.id takes 1 to 249 letters',
    ],
    [
      'an instance of a group that is called as a folder is',
      { flags: { 'group.instance.id': '..' } },
      'flag --group.instance.id: group.instance.id takes 1 to 249 letters',
    ],
    [
      'heartbeats slower than the session',
      { flags: { 'heartbeat.interval.ms': '20s' } },
      'flag --heartbeat.interval.ms: heartbeat.interval.ms must be at most a third',
    ],
    [
      'a batch larger than what may be in flight',
      { flags: { 'batch.bytes.max': '64MiB' } },
      'batch.bytes.max must not exceed `inflight.bytes.max`',
    ],
    [
      'an expiry that would take what is not committed yet',
      { flags: { 'archive.snapshots.ms': '1h', 'archive.commit.ms': '2h' } },
      'archive.snapshots.ms must be at least twice `archive.commit.ms`',
    ],
    [
      'a drain of devices that leaves a stop no time for the rest',
      { flags: { 'live.drain.ms': '5001' } },
      'flag --live.drain.ms: live.drain.ms must be at most half of `shutdown.timeout.ms`',
    ],
    [
      'a stop that is too short for the drain of devices',
      { flags: { 'shutdown.timeout.ms': '5s', 'live.drain.ms': '2600' } },
      'flag --live.drain.ms: live.drain.ms must be at most half of `shutdown.timeout.ms`',
    ],
    [
      'Kafka without topics and registry',
      { flags: { 'bootstrap.servers': 'a:1' } },
      'flag --bootstrap.servers: topics must name what to read',
    ],
    [
      'SASL without credentials',
      { flags: { 'security.protocol': 'SASL_SSL' } },
      'flag --security.protocol: sasl.mechanism must be set',
    ],
    [
      'credentials that would never be sent',
      { flags: { 'sasl.password': 'x' } },
      'security.protocol must be SASL_SSL or SASL_PLAINTEXT',
    ],
    [
      'a budget below what one journey may look at',
      { flags: { 'query.budget.rows': '5000' } },
      'query.budget.rows must not be below `query.scan.rows.max`',
    ],
    [
      'persisted operations only without a list of them',
      { flags: { 'api.operations.only': 'true' } },
      'api.operations.only needs `api.operations.file`',
    ],
    [
      'half a client certificate',
      { flags: { 'ssl.key.location': 'k.pem' } },
      'flag --ssl.key.location: ssl.key.location and',
    ],
    ["a prototype's name", { flags: { constructor: '1' } }, 'no setting is called "constructor"'],
  ] as const)('refuse %s', (_name, input, expected) => {
    expect(problems(input)).toContain(expected);
  });

  it('never print a secret, neither shown nor in a problem', () => {
    const canary = 'hunter2-canary';
    const loaded = load({ flags: { 'api.token': canary } });
    expect(JSON.stringify(showSettings(loaded))).not.toContain(canary);
    expect(problems({ flags: { 'sasl.password': canary } })).not.toContain(canary);
    expect(problems({ flags: { 'sasl.password': canary.repeat(10_000) } })).not.toContain(canary);
    expect(secretValues(loaded.settings)).toEqual([canary]);
  });

  it.each([
    ['in an address', { flags: { 'schema.registry.url': 'http://u:hunter2-canary@r' } }],
    ['in an address that is none', { flags: { 'schema.registry.url': 'u:hunter2-canary@r' } }],
    ["in a broker's address", { flags: { 'bootstrap.servers': 'b:9092,u:hunter2-canary@b:9092' } }],
    ['as a tag', { files: [yaml('api.token: !hunter2-canary')] }],
    ['as an alias', { files: [yaml('api.token: *hunter2-canary')] }],
    ['as an anchor', { files: [yaml('api.token: &hunter2-canary')] }],
    ['after a reserved character', { files: [yaml('api.token: @hunter2-canary')] }],
    ['with a colon', { files: [yaml('api.token: hunter2-canary: x')] }],
    ['with a quote too few', { files: [yaml('api.token: "hunter2-canary\nport: 1')] }],
    ['after a quoted text', { files: [yaml('api.token: "x" hunter2-canary')] }],
    ['with a wrong escape', { files: [yaml('api.token: "\\qhunter2-canary"')] }],
    ['in a list', { files: [yaml('api.token: [[hunter2-canary]]')] }],
    ['under a misspelt name', { environment: { JG_API_TOKN: 'hunter2-canary' } }],
    [
      'in a broken properties line',
      { files: [{ name: 'c.properties', kind: 'properties', text: 'sasl.password hunter2-canary' }] },
    ],
  ] as const)('are refused without quoting a secret written %s', (_name, input) => {
    expect(problems(input)).not.toContain('hunter2');
  });

  it('take a secret of any characters from a properties file and from the environment', () => {
    const secret = ' p=#!"\'&*: ';
    expect(load({ environment: { JG_API_TOKEN: secret } }).settings['api.token']).toBe(secret);
  });

  it('are described and documented, every one', async () => {
    const page = settingsPage();
    for (const [name, spec] of settingSpecs) {
      expect(spec.description.length, name).toBeGreaterThan(10);
      expect(page).toContain(`\`${name}\``);
    }
    expect(await readFile(new URL('../docs/settings.md', import.meta.url), 'utf8')).toBe(page);
  });
});
