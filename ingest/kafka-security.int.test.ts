import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { must } from '../foundation/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from '../test/services/index.ts';
import { createKafkaClient, type KafkaConnectionSettings, loadKafkaConnection } from './kafka-client.ts';
import { kafkaError } from './kafka-error.ts';
import {
  createTopic,
  FakeHandler,
  FakePositions,
  LogRecorder,
  numbered,
  produce,
  startSource,
  staticMembers,
} from './kafka-testing.ts';

const topic = 'guarded';
const password = 'canary-4711';
const login = { 'sasl.username': 'reader', 'sasl.password': password } as const;

describeWith('java')('Kafka behind passwords and certificates', () => {
  let broker: KafkaBroker;
  let directory: string;
  let foreignCa: string;

  beforeAll(async () => {
    broker = await startKafka({
      listeners: [
        {
          name: 'LOGIN',
          protocol: 'SASL_PLAINTEXT',
          mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
        },
        { name: 'TLS', protocol: 'SSL' },
        { name: 'BOTH', protocol: 'SASL_SSL', mechanisms: ['PLAIN', 'SCRAM-SHA-256'] },
      ],
      users: [
        { name: 'reader', password },
        { name: 'stranger', password },
      ],
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:reader',
      },
    });
    await createTopic(broker.bootstrapServers, topic);
    await produce(broker.bootstrapServers, topic, numbered('a', 10));
    directory = await mkdtemp(join(tmpdir(), 'journey-graph-tls-'));
    foreignCa = join(directory, 'foreign.pem');
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=somebody-else'],
      ...['-keyout', join(directory, 'key.pem'), '-out', foreignCa],
    ]);
  }, startTimeoutMs);
  afterAll(async () => {
    await broker.dispose();
    await rm(directory, { recursive: true, force: true });
  });

  const via = (listener: string, settings: Partial<KafkaConnectionSettings>) => ({
    'bootstrap.servers': broker.addressOf(listener),
    ...settings,
  });
  const trusted = () => ({ 'ssl.ca.location': must(broker.caFile, 'a TLS listener') });

  it.for([
    ['SASL PLAIN', 'LOGIN', 'SASL_PLAINTEXT', 'PLAIN'],
    ['SCRAM-SHA-256', 'LOGIN', 'SASL_PLAINTEXT', 'SCRAM-SHA-256'],
    ['SCRAM-SHA-512', 'LOGIN', 'SASL_PLAINTEXT', 'SCRAM-SHA-512'],
    ['TLS', 'TLS', 'SSL', null],
    ['SCRAM-SHA-256 over TLS', 'BOTH', 'SASL_SSL', 'SCRAM-SHA-256'],
  ] as const)('reads with %s', async ([, listener, protocol, mechanism]) => {
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    const source = await startSource(
      topic,
      handler,
      via(listener, {
        'security.protocol': protocol,
        ...(mechanism === null ? {} : { 'sasl.mechanism': mechanism, ...login }),
        ...(protocol.endsWith('SSL') ? trusted() : {}),
      }),
    );
    await handler.until(() => positions.applied.length === 10);
    await source.stop();
    expect(handler.said.filter((what) => what.startsWith('outage'))).toEqual([]);
  });

  it('reads as a static member with a login over TLS', async () => {
    const positions = new FakePositions();
    const handler = new FakeHandler(positions);
    const connection = via('BOTH', {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'PLAIN',
      ...login,
      ...trusted(),
    });
    const settings = { 'group.id': 'static', 'group.instance.id': 'a' };
    const source = await startSource(topic, handler, connection, settings);
    await handler.until(() => positions.applied.length === 10);
    expect(await staticMembers(broker.bootstrapServers, `static.${topic}`)).toEqual(['a']);
    await source.stop();
    expect(handler.said.filter((what) => what.startsWith('outage'))).toEqual([]);
  });

  it.for(['PLAIN', 'SCRAM-SHA-256'] as const)(
    'stops at a wrong %s password, which it never logs',
    async (mechanism) => {
      const log = new LogRecorder();
      const settings = via('LOGIN', {
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': mechanism,
        'sasl.username': 'reader',
        'sasl.password': 'canary-wrong',
      });
      const source = await startSource(topic, new FakeHandler(new FakePositions()), settings, {}, log);
      const error = await source.ended;
      expect(error).toMatchObject({ code: 'KAFKA_NOT_AUTHENTICATED', reaction: 'stop' });
      // The source's first question goes through the other client: kafkajs has words of its own.
      const connection = await loadKafkaConnection({
        'client.id': 'test',
        'security.protocol': 'SASL_PLAINTEXT',
        ...settings,
      });
      const refused: unknown = await createKafkaClient(connection, log)
        .admin()
        .connect()
        .catch((reason: unknown) => reason);
      expect(kafkaError(refused, 'connect')).toMatchObject({ code: 'KAFKA_NOT_AUTHENTICATED' });
      expect(log.lines).not.toEqual([]);
      const everything = [log.lines, error, refused].map((what) => inspect(what, { depth: null })).join(' ');
      expect(everything).not.toContain('canary');
    },
  );

  it('stops when the user may not read the topic', async () => {
    const source = await startSource(
      topic,
      new FakeHandler(new FakePositions()),
      via('LOGIN', {
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'stranger',
        'sasl.password': password,
      }),
    );
    expect(await source.ended).toMatchObject({ code: 'KAFKA_NOT_AUTHORIZED', reaction: 'stop' });
  });

  it('stops at a certificate of another authority', async () => {
    const handler = new FakeHandler(new FakePositions());
    const settings = { 'security.protocol': 'SSL', 'ssl.ca.location': foreignCa } as const;
    const source = await startSource(topic, handler, via('TLS', settings));
    expect(await source.ended).toMatchObject({ code: 'KAFKA_CERTIFICATE_REFUSED', reaction: 'stop' });
    expect(handler.said).toEqual([]);
  });

  it('stops when the certificate is for another name', async () => {
    // The certificate names 127.0.0.1 and localhost; the machine answers on 127.0.0.2 only where the listener does.
    const settings = { 'security.protocol': 'SSL', ...trusted() } as const;
    const named = via('TLS', settings);
    const port = named['bootstrap.servers'].split(':')[1];
    const source = await startSource(topic, new FakeHandler(new FakePositions()), {
      ...named,
      'bootstrap.servers': `${otherNameOfLoopback}:${port}`,
    });
    expect(await source.ended).toMatchObject({ code: 'KAFKA_CERTIFICATE_REFUSED', reaction: 'stop' });
  });

  it('takes a listener that speaks no TLS for an outage, since it just hangs up, and says so', async () => {
    const handler = new FakeHandler(new FakePositions());
    const settings = { 'security.protocol': 'SSL', ...trusted() } as const;
    const source = await startSource(topic, handler, via('PLAINTEXT', settings));
    await handler.until(() => handler.said.includes('outage KAFKA_UNAVAILABLE'));
    await source.stop();
    expect(handler.said.every((what) => what === 'outage KAFKA_UNAVAILABLE')).toBe(true);
  });
});

/** An IPv4-mapped address reaches the same listener under a name that its certificate lacks. */
const otherNameOfLoopback = '[::ffff:127.0.0.1]';
