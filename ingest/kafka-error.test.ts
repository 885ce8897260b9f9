import { AssertionError } from 'node:assert';
import { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { StopError } from '../foundation/index.ts';
import { isUnknownTopic, kafkaError } from './kafka-error.ts';

function protocolError(type: string): Error {
  return new KafkaJSProtocolError(
    Object.assign(new Error('words nobody reads'), { type, code: 1, retriable: true }),
  );
}

describe('kafkaError', () => {
  it.for([
    [
      'a refused connection',
      Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      'KAFKA_UNAVAILABLE',
      'outage',
    ],
    [
      'a wrong login',
      Object.assign(new Error('x'), { name: 'KafkaJSSASLAuthenticationError' }),
      'KAFKA_NOT_AUTHENTICATED',
      'stop',
    ],
    ['a denied topic', protocolError('TOPIC_AUTHORIZATION_FAILED'), 'KAFKA_NOT_AUTHORIZED', 'stop'],
    ['a denied group', protocolError('GROUP_AUTHORIZATION_FAILED'), 'KAFKA_NOT_AUTHORIZED', 'stop'],
    ['a missing topic', protocolError('UNKNOWN_TOPIC_OR_PARTITION'), 'KAFKA_UNKNOWN_TOPIC', 'outage'],
    ['a bad group id', protocolError('INVALID_GROUP_ID'), 'KAFKA_REQUEST_REFUSED', 'stop'],
    [
      'a member that another took the place of',
      protocolError('FENCED_INSTANCE_ID'),
      'KAFKA_INSTANCE_FENCED',
      'stop',
    ],
    ['a timestamp that a topic refuses', protocolError('INVALID_TIMESTAMP'), 'KAFKA_REQUEST_REFUSED', 'stop'],
    ['an error of tomorrow', protocolError('BRAND_NEW'), 'KAFKA_UNAVAILABLE', 'outage'],
    ['undecodable bytes', new RangeError('x'), 'KAFKA_UNREADABLE', 'stop'],
    ['no error at all', undefined, 'KAFKA_UNAVAILABLE', 'outage'],
    [
      'an expired certificate',
      Object.assign(new KafkaJSConnectionError('x'), { code: 'CERT_HAS_EXPIRED' }),
      'KAFKA_CERTIFICATE_REFUSED',
      'stop',
    ],
  ] as const)('takes %s for %s', ([, error, code, reaction]) => {
    expect(kafkaError(error, 'try')).toMatchObject({ code, reaction });
  });

  it('finds what happened below retries and aggregates', () => {
    const denied = protocolError('CLUSTER_AUTHORIZATION_FAILED');
    const wrapped = new KafkaJSNumberOfRetriesExceeded(new AggregateError([new Error('x'), denied]), {
      retryCount: 5,
      retryTime: 1,
    });
    expect(kafkaError(wrapped, 'try').code).toBe('KAFKA_NOT_AUTHORIZED');
  });

  it('hands an error of ours on as it is, however deep', () => {
    const ours = new StopError('OURS', 'x');
    expect(kafkaError(new Error('a', { cause: new Error('b', { cause: ours }) }), 'try')).toBe(ours);
  });

  it('lets a broken invariant through as the bug it is', () => {
    const bug = new AssertionError({ message: 'x' });
    expect(() => kafkaError(new Error('a', { cause: bug }), 'try')).toThrow(bug);
  });

  it('ends on causes that go round in a circle', () => {
    const circle: Error & { cause?: unknown } = new Error('x');
    circle.cause = circle;
    expect(kafkaError(circle, 'try').code).toBe('KAFKA_UNAVAILABLE');
  });

  it('does not read message texts', () => {
    expect(isUnknownTopic(new Error('UNKNOWN_TOPIC_OR_PARTITION'))).toBe(false);
    expect(kafkaError(new Error('SASL_AUTHENTICATION_FAILED'), 'try').reaction).toBe('outage');
  });
});
