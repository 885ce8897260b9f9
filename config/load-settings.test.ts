import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  type LoadedSettings,
  loadSettings,
  type SettingsInput,
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

  it.each([
    [
      'an unknown name in our environment prefix',
      { environment: { JG_PROT: '1' } },
      'environment JG_PROT: no setting is called "prot"',
    ],
    [
      'a port out of range',
      { files: [yaml('port: 70000')] },
      'jg.yaml:1:1: port takes 0 to 65535 port, not 70000',
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
      'Kafka without topics and registry',
      { flags: { 'bootstrap.servers': 'a:1' } },
      'default: topics must name what to read',
    ],
    [
      'SASL without credentials',
      { flags: { 'security.protocol': 'SASL_SSL' } },
      'default: sasl.mechanism must be set',
    ],
    [
      'credentials that would never be sent',
      { flags: { 'sasl.password': 'x' } },
      'security.protocol must be SASL_SSL or SASL_PLAINTEXT',
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
