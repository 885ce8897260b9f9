import { AssertionError } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { BadDataError, FencedError, OutageError, RefusedError, StopError } from '../foundation/index.ts';
import { asJourneyGraphError, classify } from './error-classifier.ts';

const cases = [
  ['bad data', new BadDataError('X', 'm'), 'bad-data'],
  ['an outage', new OutageError('X', 'm'), 'outage'],
  ['a stop', new StopError('X', 'm'), 'stop'],
  ['a fence', new FencedError('m'), 'fenced'],
  ['a refusal', new RefusedError('X', 'm'), 'refused'],
  ['a refused connection', Object.assign(new Error('m'), { code: 'ECONNREFUSED' }), 'outage'],
  ['a full disk', Object.assign(new Error('m'), { code: 'ENOSPC' }), 'outage'],
  [
    'fetch failed',
    new TypeError('m', { cause: Object.assign(new Error('m'), { code: 'ENOTFOUND' }) }),
    'outage',
  ],
  ['a missing file', Object.assign(new Error('m'), { code: 'ENOENT' }), 'stop'],
  ['a broken invariant', new AssertionError({ message: 'm' }), 'stop'],
  ['a bug', new TypeError('m'), 'stop'],
  ['something that is no error', 'text', 'stop'],
] as const;

describe('the error classifier', () => {
  it.each(cases)('%s', (_, error, reaction) => {
    expect(classify(error)).toBe(reaction);
    expect(asJourneyGraphError(error).reaction).toBe(reaction);
  });

  it('ends on a cycle of causes', () => {
    const error = new Error('m');
    error.cause = error;
    expect(classify(error)).toBe('stop');
  });
});
