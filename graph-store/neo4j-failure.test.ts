import neo4j from 'neo4j-driver';
import { describe, expect, it } from 'vitest';
import { failureOf, isPassing } from './neo4j-failure.ts';

const uri = 'bolt://graph.example.com:7687';
const failed = (code: string, message = 'a canary of data'): Error =>
  new neo4j.Neo4jError(message, code, '50N00', 'error');

describe('errors of Neo4j', () => {
  it.each([
    ['Neo.ClientError.Security.Unauthorized', 'write', 'STORE_FORBIDDEN', 'stop'],
    ['Neo.ClientError.Security.Forbidden', 'schema', 'STORE_FORBIDDEN', 'stop'],
    ['Neo.ClientError.Security.AuthenticationRateLimit', 'write', 'STORE_WRITE_FAILED', 'outage'],
    ['Neo.ClientError.Security.AuthProviderTimeout', 'read', 'STORE_READ_FAILED', 'outage'],
    ['Neo.ClientError.Security.AuthProviderFailed', 'open', 'STORE_OPEN_FAILED', 'outage'],
    ['Neo.ClientError.General.WriteOnReadOnlyAccessDatabase', 'write', 'STORE_FORBIDDEN', 'stop'],
    ['Neo.ClientError.Database.DatabaseNotFound', 'open', 'STORE_DATABASE_UNUSABLE', 'stop'],
    ['Neo.ClientError.Schema.IndexAlreadyExists', 'schema', 'STORE_SCHEMA_REFUSED', 'stop'],
    ['Neo.TransientError.Transaction.DeadlockDetected', 'write', 'STORE_WRITE_FAILED', 'outage'],
    ['Neo.ClientError.Cluster.NotALeader', 'write', 'STORE_WRITE_FAILED', 'outage'],
    ['Neo.ClientError.Transaction.TransactionTimedOut', 'write', 'STORE_WRITE_FAILED', 'outage'],
    ['Neo.DatabaseError.General.UnknownError', 'read', 'STORE_READ_FAILED', 'outage'],
    ['ServiceUnavailable', 'open', 'STORE_OPEN_FAILED', 'outage'],
  ] as const)('makes of %s on %s %s, and quotes no data', (code, what, expected, reaction) => {
    const error = failureOf(failed(code, code === 'ServiceUnavailable' ? 'refused' : undefined), what, uri);
    expect(error).toMatchObject({ code: expected, reaction });
    expect(String(error)).toContain(uri);
    expect(String(error)).not.toContain('canary');
  });

  it('says of a door that is busy that nobody is let in for a moment, and not that the server does not answer', () => {
    const code = 'Neo.ClientError.Security.AuthenticationRateLimit';
    for (const what of ['open', 'read', 'write', 'schema'] as const)
      expect(String(failureOf(failed(code), what, uri))).toContain('lets nobody in for a moment');
  });

  it('names the settings that bound a transaction when the server ends one', () => {
    for (const code of ['TransactionTimedOut', 'TransactionTimedOutClientConfiguration']) {
      const timedOut = failed(`Neo.ClientError.Transaction.${code}`);
      const written = String(failureOf(timedOut, 'write', uri));
      for (const setting of ['neo4j.transaction.timeout.ms', 'neo4j.group.events.max', 'batch.events.max'])
        expect(written).toContain(`\`${setting}\``);
      const read = failureOf(timedOut, 'read', uri);
      expect(read).toMatchObject({ code: 'STORE_READ_FAILED', reaction: 'outage' });
      expect(String(read)).toContain('`neo4j.transaction.timeout.ms`');
      expect(String(read).includes('`db.transaction.timeout`')).toBe(code === 'TransactionTimedOut');
      expect(String(read)).not.toContain('events.max');
    }
  });

  it('leaves bugs as they are', () => {
    const syntax = failed('Neo.ClientError.Statement.SyntaxError');
    expect(failureOf(syntax, 'write', uri)).toBe(syntax);
    const bug = new TypeError('x');
    expect(failureOf(bug, 'write', uri)).toBe(bug);
    expect(isPassing(bug)).toBe(false);
    expect(isPassing(syntax)).toBe(false);
  });

  it.each([
    'Neo.TransientError.Transaction.DeadlockDetected',
    'Neo.ClientError.Cluster.NotALeader',
    'Neo.ClientError.Schema.ConstraintValidationFailed',
    'Neo.ClientError.Statement.EntityNotFound',
    'ServiceUnavailable',
    'SessionExpired',
  ])('tries again after %s', (code) => {
    expect(isPassing(failed(code))).toBe(true);
  });

  it.each(['Neo.ClientError.Security.Unauthorized', 'Neo.ClientError.Database.DatabaseNotFound'])(
    'does not try again after %s',
    (code) => {
      expect(isPassing(failed(code))).toBe(false);
    },
  );
});
