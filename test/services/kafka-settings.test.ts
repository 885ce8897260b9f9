import { describe, expect, it } from 'vitest';
import { type KafkaPlan, scramArguments, serverProperties } from './kafka-settings.ts';

const plan: KafkaPlan = {
  listeners: [
    { name: 'PLAINTEXT', protocol: 'PLAINTEXT' },
    { name: 'SCRAM', protocol: 'SASL_SSL', mechanisms: ['PLAIN', 'SCRAM-SHA-256'] },
  ],
  users: [{ name: 'alice', password: 'secret' }],
  properties: { 'log.retention.ms': '1000', 'auto.create.topics.enable': 'true' },
  dataDirectory: '/data',
  nodeId: 2,
  controllers: ['1@127.0.0.1:9', '2@127.0.0.1:3'],
  ports: new Map([
    ['PLAINTEXT', 1],
    ['SCRAM', 2],
    ['CONTROLLER', 3],
  ]),
  keyStore: { file: '/store.p12', password: 'key' },
};

describe('the settings of a broker', () => {
  it('put each listener on its own port of the loopback interface', () => {
    const lines = serverProperties(plan).split('\n');
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:1,SCRAM://127.0.0.1:2,CONTROLLER://127.0.0.1:3');
    expect(lines).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:1,SCRAM://127.0.0.1:2');
    expect(lines).toContain('listener.name.scram.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256');
  });

  it('name the node and all controllers of its cluster', () => {
    const lines = serverProperties(plan).split('\n');
    expect(lines).toContain('node.id=2');
    expect(lines).toContain('controller.quorum.voters=1@127.0.0.1:9,2@127.0.0.1:3');
  });

  it('let the caller’s settings win over our own, once each', () => {
    const lines = serverProperties(plan).split('\n');
    expect(lines.filter((line) => line.startsWith('auto.create.topics.enable='))).toEqual([
      'auto.create.topics.enable=true',
    ]);
    expect(lines).toContain('log.retention.ms=1000');
  });

  it('make users known to the SCRAM mechanisms that some listener offers, and to no other', () => {
    expect(scramArguments(plan)).toEqual(['--add-scram', 'SCRAM-SHA-256=[name=alice,password=secret]']);
  });
});
