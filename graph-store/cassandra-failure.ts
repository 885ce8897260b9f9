import cassandra from 'cassandra-driver';
import { OutageError, StopError } from '../foundation/index.ts';

export type Work = 'open' | 'read' | 'write' | 'schema';

const { responseErrorCodes: code } = cassandra.types;

/** What the same request may get past at once or soon. Every request may be repeated: writes carry their version, and conditions are looked at again. */
const passing: ReadonlyMap<number, string> = new Map([
  [code.serverError, 'the node says that it failed'],
  [code.unavailableException, 'too few nodes that hold the data are up'],
  [code.overloaded, 'the node is overloaded'],
  [code.isBootstrapping, 'the node is only starting'],
  [code.truncateError, 'a table could not be emptied'],
  [code.writeTimeout, 'too few nodes confirmed in time: overloaded, or one of them is slow'],
  [code.readTimeout, 'too few nodes answered in time: overloaded, or one of them is slow'],
  [code.readFailure, 'nodes failed at it; their logs say why'],
  [code.writeFailure, 'nodes failed at it: often a full disk; their logs say why'],
  [code.unprepared, 'the node forgot a statement'],
]);

/** What a query gets whose table is not there. */
export function isUnknownTable(error: unknown): boolean {
  return error instanceof cassandra.errors.ResponseError && error.code === code.invalid;
}

export function isPassing(error: unknown): boolean {
  return reasonOf(error) !== null && !isUnauthenticated(error);
}

/**
 * The error that the caller is to see. The server's sentences may quote data, so only what kind of failure it was is passed on. What is neither
 * outage nor refusal is a bug of ours and stays as it is.
 */
export function failureOf(error: unknown, what: Work, where: string): unknown {
  if (isUnauthenticated(error)) {
    return new StopError(
      'STORE_FORBIDDEN',
      `The user of \`cassandra.user\` is not let in at ${where}; correct \`cassandra.user\` and \`cassandra.password\`.`,
      { cause: error },
    );
  }
  if (error instanceof cassandra.errors.ResponseError) {
    if (error.code === code.unauthorized) {
      return new StopError(
        'STORE_FORBIDDEN',
        `The user of \`cassandra.user\` may not do this at ${where}; grant SELECT and MODIFY on the keyspace and, to make its tables, CREATE: docs/cassandra.md has the statements.`,
        { cause: error },
      );
    }
    if (what === 'schema' && (error.code === code.invalid || error.code === code.configError)) {
      return new StopError(
        'STORE_SCHEMA_REFUSED',
        `Cassandra at ${where} did not make the store's tables; see what it says in the cause, and docs/cassandra.md.`,
        { cause: error },
      );
    }
  }
  const reason = reasonOf(error);
  if (reason === null) return error;
  switch (what) {
    case 'read':
      return new OutageError(
        'STORE_READ_FAILED',
        `Cassandra at ${where} could not be read (${reason}); check its nodes with \`nodetool status\`, then ask again.`,
      );
    case 'open':
    case 'schema':
      return new OutageError(
        'STORE_OPEN_FAILED',
        `Cassandra at ${where} does not answer (${reason}); check \`cassandra.contact.points\`, \`cassandra.datacenter\` and that it runs.`,
      );
    default:
      return new OutageError(
        'STORE_WRITE_FAILED',
        `Cassandra at ${where} could not be written (${reason}); when it takes writes again, writing resumes by itself.`,
      );
  }
}

/** Null for what is no failure of the database or the way to it. */
function reasonOf(error: unknown): string | null {
  const { errors } = cassandra;
  if (error instanceof errors.ResponseError) return passing.get(error.code) ?? null;
  if (error instanceof errors.OperationTimedOutError)
    return 'no answer within `cassandra.request.timeout.ms`';
  if (error instanceof errors.BusyConnectionError)
    return 'all connections are busy: lower `cassandra.requests.max`';
  if (error instanceof errors.NoHostAvailableError) return noHost(error);
  if (isLostConnection(error)) return 'the connection to a node was lost';
  return null;
}

/** What the driver's pools say where a statement is prepared at a node that is just going away: plain errors, of no class and without a code. */
const poolSentences: ReadonlySet<string> = new Set(['No connection available', 'Connection closed']);

/**
 * A node that dies takes the requests with it that it was asked. The driver repeats none of them, since attempts are counted by us, and answers with its base class,
 * which it has for nothing but connections.
 */
function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.constructor === cassandra.errors.DriverError) return true;
  return poolSentences.has(error.message) || typeof Reflect.get(error, 'syscall') === 'string';
}

function noHost({ innerErrors }: cassandra.errors.NoHostAvailableError): string {
  const hosts = innersOf(innerErrors);
  const known = hosts.map(([, inner]) => reasonOf(inner)).find((reason) => reason !== null);
  if (known !== undefined && known !== null) return known;
  const [first] = hosts;
  if (first === undefined) return 'no node of the data center can be reached';
  const [host, inner] = first;
  const code: unknown = inner instanceof Error ? Reflect.get(inner, 'code') : null;
  return `none of its nodes can be reached; ${host}: ${typeof code === 'string' ? code : 'no connection'}`;
}

function isUnauthenticated(error: unknown): boolean {
  const { errors } = cassandra;
  if (error instanceof errors.AuthenticationError) return true;
  if (error instanceof errors.ResponseError) return error.code === code.badCredentials;
  if (!(error instanceof errors.NoHostAvailableError)) return false;
  const hosts = innersOf(error.innerErrors);
  return hosts.length > 0 && hosts.every(([, inner]) => isUnauthenticated(inner));
}

function innersOf(inner: unknown): [host: string, error: unknown][] {
  return typeof inner === 'object' && inner !== null ? Object.entries(inner) : [];
}
