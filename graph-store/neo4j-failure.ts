import neo4j from 'neo4j-driver';
import { OutageError, StopError } from '../foundation/index.ts';

/**
 * Another transaction won a race: the same work finds the other's result when it is done again. Or another server leads now, which the driver
 * takes for a retry only where it routes.
 */
const lostRaces: ReadonlySet<string> = new Set([
  'Neo.ClientError.Schema.ConstraintValidationFailed',
  'Neo.ClientError.Statement.EntityNotFound',
  'Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists',
  'Neo.ClientError.Cluster.NotALeader',
]);

const forbidden: ReadonlySet<string> = new Set([
  'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase',
  'Neo.ClientError.General.WriteOnReadOnlyAccessDatabase',
  'Neo.ClientError.Statement.AccessMode',
]);

/** Whether the user may come in nobody can say now: after three wrong passwords from anywhere for some seconds, or while the directory does not answer. */
const busyDoors: ReadonlySet<string> = new Set([
  'Neo.ClientError.Security.AuthenticationRateLimit',
  'Neo.ClientError.Security.AuthProviderFailed',
  'Neo.ClientError.Security.AuthProviderTimeout',
]);

/** What the same attempt may get past at once or soon. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return code !== null && (neo4j.isRetryableError(toError(error)) || lostRaces.has(code));
}

/**
 * The error that the caller is to see. The server's sentences may quote data, so only those about the connection and about credentials
 * are passed on. What is neither outage nor refusal is a bug of ours and stays as it is.
 */
export function failureOf(error: unknown, what: 'open' | 'read' | 'write' | 'schema', uri: string): unknown {
  const code = codeOf(error);
  if (code === null) return error;
  if (code.startsWith('Neo.ClientError.Security.') && !busyDoors.has(code)) {
    const reason = code === 'Neo.ClientError.Security.Forbidden' ? 'may not do this' : 'is not let in';
    return new StopError(
      'STORE_FORBIDDEN',
      `The user of \`neo4j.user\` ${reason} at ${uri} (${code}); correct \`neo4j.user\` and \`neo4j.password\`, or grant reading, writing, and the creation of constraints and indexes.`,
      { cause: error },
    );
  }
  if (forbidden.has(code)) {
    return new StopError(
      'STORE_FORBIDDEN',
      `The database at ${uri} takes no writes (${code}); allow them, or name another with \`neo4j.database\`.`,
    );
  }
  if (code.startsWith('Neo.ClientError.Database.')) {
    return new StopError(
      'STORE_DATABASE_UNUSABLE',
      `Neo4j at ${uri} has no such database (${code}); correct \`neo4j.database\`, or create it.`,
    );
  }
  if (code.startsWith('Neo.ClientError.Schema.') && !lostRaces.has(code)) {
    return new StopError(
      'STORE_SCHEMA_REFUSED',
      `Neo4j at ${uri} did not create a constraint or an index that begins with \`jg_\` (${code}); drop the index or the data that stands against it, see docs/neo4j.md.`,
    );
  }
  if (code.startsWith('Neo.ClientError.Statement.') && !lostRaces.has(code)) return error;
  if (code.startsWith('Neo.ClientError.Transaction.TransactionTimedOut')) return timedOut(code, what, uri);
  if (busyDoors.has(code)) return doorsBusy(code, what, uri);
  const connection = code.startsWith('Neo.') ? `(${code})` : `(${toError(error).message})`;
  if (what === 'read') {
    return new OutageError(
      'STORE_READ_FAILED',
      `Neo4j at ${uri} could not be read ${connection}; check that it runs, then ask again.`,
    );
  }
  if (what === 'open') {
    return new OutageError(
      'STORE_OPEN_FAILED',
      `Neo4j at ${uri} does not answer ${connection}; check \`neo4j.uri\` and that it runs.`,
    );
  }
  return new OutageError(
    'STORE_WRITE_FAILED',
    `Neo4j at ${uri} could not be written ${connection}; when it answers again, writing resumes by itself.`,
  );
}

function doorsBusy(code: string, what: 'open' | 'read' | 'write' | 'schema', uri: string): OutageError {
  const kind =
    what === 'read' ? 'STORE_READ_FAILED' : what === 'open' ? 'STORE_OPEN_FAILED' : 'STORE_WRITE_FAILED';
  return new OutageError(
    kind,
    `Neo4j at ${uri} lets nobody in for a moment (${code}): it was given wrong passwords, by whomever, or its directory does not answer; look for a process with an old password. This goes on by itself.`,
  );
}

/** The server answers: the transaction is too large for its time. The same one tried again comes to the same end unless the server was only busy. */
function timedOut(code: string, what: 'open' | 'read' | 'write' | 'schema', uri: string): OutageError {
  const ours = '`neo4j.transaction.timeout.ms`';
  const setting = code.endsWith('ClientConfiguration')
    ? ours
    : `${ours}, or the server's \`db.transaction.timeout\`,`;
  if (what === 'read') {
    return new OutageError(
      'STORE_READ_FAILED',
      `Neo4j at ${uri} ended a read that took longer than ${setting} (${code}); ask for less, or raise that setting.`,
    );
  }
  return new OutageError(
    what === 'open' ? 'STORE_OPEN_FAILED' : 'STORE_WRITE_FAILED',
    `Neo4j at ${uri} ended a transaction that took longer than ${setting} (${code}); raise that setting, or lower \`neo4j.group.events.max\` and \`batch.events.max\`, so that a transaction holds less.`,
  );
}

/** Null for an error that is not of the driver. */
function codeOf(error: unknown): string | null {
  return error instanceof neo4j.Neo4jError ? error.code : null;
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
