import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { failureOf, isPassing, type Work } from './cassandra-failure.ts';

const { errors, types } = cassandra;
const response = (code: number): Error => new errors.ResponseError(code, 'SECRET in the payload');
/** The driver throws its base class itself, which its types call abstract. */
const driverError = (message: string): Error => Reflect.construct(errors.DriverError, [message]);
const unreachable = new errors.NoHostAvailableError({
  '10.0.0.1:9042': Object.assign(new Error('connect ECONNREFUSED SECRET'), { code: 'ECONNREFUSED' }),
});
const passing = {
  'too few nodes': response(types.responseErrorCodes.unavailableException),
  overload: response(types.responseErrorCodes.overloaded),
  'a write that timed out': response(types.responseErrorCodes.writeTimeout),
  'a full disk': response(types.responseErrorCodes.writeFailure),
  'no answer': new errors.OperationTimedOutError('SECRET'),
  'no node': unreachable,
  'a connection that ended with the request': Object.assign(driverError('Socket was closed'), {
    isSocketError: true,
  }),
  'a connection that was not made in time': driverError('Connection timeout'),
  'a node without a connection, for a statement to be prepared': new Error('No connection available'),
  'a socket of the system': Object.assign(new Error('read ECONNRESET SECRET'), {
    code: 'ECONNRESET',
    syscall: 'read',
  }),
  'an overloaded node, asked last': new errors.NoHostAvailableError({
    'a:1': response(types.responseErrorCodes.overloaded),
  }),
};
const codes = { open: 'STORE_OPEN_FAILED', read: 'STORE_READ_FAILED', write: 'STORE_WRITE_FAILED' } as const;

describe('A failure of Cassandra', () => {
  it.each(Object.entries(passing))('is an outage that passes: %s', (_, error) => {
    expect(isPassing(error)).toBe(true);
    for (const what of ['open', 'read', 'write'] satisfies Work[]) {
      const failure = failureOf(error, what, 'db:9042');
      expect(failure).toMatchObject({ reaction: 'outage', code: codes[what] });
      expect(String(failure)).toContain('db:9042');
      expect(String(failure)).not.toContain('SECRET');
    }
  });
  it('names what an operator looks for', () => {
    const sentence = (error: unknown): string => String(failureOf(error, 'write', 'db:9042'));
    expect(sentence(passing['a full disk'])).toContain('full disk');
    expect(sentence(passing.overload)).toContain('overloaded');
    expect(sentence(unreachable)).toContain('10.0.0.1:9042: ECONNREFUSED');
  });
  it('stops where nobody is let in, also when every node says so', () => {
    const refused = new errors.AuthenticationError('SECRET');
    const everywhere = new errors.NoHostAvailableError({ 'a:1': refused, 'b:1': refused });
    for (const error of [refused, everywhere, response(types.responseErrorCodes.badCredentials)]) {
      expect(isPassing(error)).toBe(false);
      expect(failureOf(error, 'open', 'db:9042')).toMatchObject({
        reaction: 'stop',
        code: 'STORE_FORBIDDEN',
      });
    }
  });
  it('is an outage while one node lets nobody in and another is only down', () => {
    const mixed = new errors.NoHostAvailableError({
      'a:1': new errors.AuthenticationError('x'),
      'b:1': unreachable,
    });
    expect(failureOf(mixed, 'open', 'db:9042')).toMatchObject({ reaction: 'outage' });
  });
  it('stops where a grant or the schema is refused', () => {
    const unauthorized = response(types.responseErrorCodes.unauthorized);
    expect(failureOf(unauthorized, 'write', 'db:9042')).toMatchObject({ code: 'STORE_FORBIDDEN' });
    const config = response(types.responseErrorCodes.configError);
    expect(failureOf(config, 'schema', 'db:9042')).toMatchObject({ code: 'STORE_SCHEMA_REFUSED' });
  });
  it('stays what it is where it is a mistake of ours', () => {
    const invalid = response(types.responseErrorCodes.invalid);
    expect(failureOf(invalid, 'read', 'db:9042')).toBe(invalid);
    const bug = new TypeError('a bug');
    expect(failureOf(bug, 'read', 'db:9042')).toBe(bug);
    expect(isPassing(bug)).toBe(false);
  });
});
