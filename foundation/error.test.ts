import { describe, expect, it } from 'vitest';
import {
  BadDataError,
  FencedError,
  JourneyGraphError,
  OutageError,
  RefusedError,
  StopError,
} from './index.ts';

const cases = [
  { error: new BadDataError('X', 'm'), name: 'BadDataError', reaction: 'bad-data', retryable: false },
  { error: new OutageError('X', 'm'), name: 'OutageError', reaction: 'outage', retryable: true },
  { error: new StopError('X', 'm'), name: 'StopError', reaction: 'stop', retryable: false },
  { error: new FencedError('m'), name: 'FencedError', reaction: 'fenced', retryable: false },
  { error: new RefusedError('X', 'm'), name: 'RefusedError', reaction: 'refused', retryable: false },
] as const;

describe('the error base', () => {
  it.each(cases)('$name says what the caller has to do', ({ error, name, reaction, retryable }) => {
    expect(error).toBeInstanceOf(JourneyGraphError);
    expect(error.name).toBe(name);
    expect(error.reaction).toBe(reaction);
    expect(error.retryable).toBe(retryable);
  });

  it('keeps its cause and its context', () => {
    const cause = new Error('below');
    const error = new OutageError('STORE_WRITE_FAILED', 'above', {
      cause,
      context: { topic: 't', offset: 7n },
    });
    expect(error.cause).toBe(cause);
    expect(error.context).toEqual({ topic: 't', offset: 7n });
  });
});
