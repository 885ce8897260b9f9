import { AssertionError } from 'node:assert';
import { type ErrorContext, JourneyGraphError, OutageError, StopError } from '../foundation/index.ts';

/** What the two Kafka clients say about one failure, without their class hierarchies. */
interface KafkaFailure {
  /** Class name: both clients set it. */
  readonly name: string;
  /** Kafka's own name of a protocol error, such as `TOPIC_AUTHORIZATION_FAILED`; null for anything else. */
  readonly protocol: string | null;
  /** Code of Node.js (`ECONNREFUSED`, `CERT_HAS_EXPIRED`) or of the client (`PLT_KFK_TIMEOUT`). */
  readonly code: string | null;
}

/** A chain of causes longer than this is cut: a cycle must not hang the classifier. */
const failuresMax = 64;

const authenticationFailures = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'SECURITY_DISABLED',
]);

const authorizationFailures: ReadonlyMap<string, string> = new Map([
  ['TOPIC_AUTHORIZATION_FAILED', 'topic'],
  ['GROUP_AUTHORIZATION_FAILED', 'consumer group'],
  ['CLUSTER_AUTHORIZATION_FAILED', 'cluster'],
  ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'transactional id'],
]);

/** Requests that no repetition makes right: our settings and the cluster disagree. */
const settingFailures = new Set([
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_CONFIG',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  // A record's own timestamp lies further in the future than the dead letter topic's `message.timestamp.after.max.ms` allows.
  'INVALID_TIMESTAMP',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
  'GROUP_MAX_SIZE_REACHED',
]);

/** Codes with which Node.js and OpenSSL refuse a peer's certificate. */
const certificateFailures = new Set([
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Errors of the language: a bug, or bytes that the client could not decode. Never an outage. */
const languageErrors = new Set([
  'RangeError',
  'TypeError',
  'SyntaxError',
  'ReferenceError',
  'ERR_BUFFER_OUT_OF_BOUNDS',
]);

/**
 * The one place that decides what an error of a Kafka client means: by class, protocol error and code, never by its text.
 * An error of ours anywhere in the chain of causes wins (a codec's, a handler's). What nothing here names is an
 * outage, because a broker that misbehaves in a new way is tried again, loudly, rather than given up.
 *
 * @param attempt what was tried, as it goes on after "Could not": `read topic "views"`
 */
export function kafkaError(error: unknown, attempt: string, context: ErrorContext = {}): JourneyGraphError {
  const chain = [...causesOf(error)];
  for (const cause of chain) {
    if (cause instanceof JourneyGraphError) return cause;
    // A broken invariant of ours is a bug: it must surface as itself.
    if (cause instanceof AssertionError) throw cause;
  }
  const failures = chain.map((cause, depth) => failureOf(cause, depth));
  const options = { cause: error, context };
  return (
    accessError(failures, attempt, options) ??
    instanceError(failures, attempt, options) ??
    settingError(failures, attempt, options) ??
    outageError(failures, attempt, options)
  );
}

/** True when the topic itself does not exist (yet, or any more). */
export function isUnknownTopic(error: unknown): boolean {
  return protocolErrorsOf(error).some((name) => name === 'UNKNOWN_TOPIC_OR_PARTITION');
}

/** Answers of a cluster that is up and settling who serves a group, as it does for the first one and after a broker went. */
const electionAnswers = new Set([
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/** True when nothing is wrong yet: a moment later the same request is served. */
export function isElection(error: unknown): boolean {
  return protocolErrorsOf(error).some((name) => electionAnswers.has(name));
}

/**
 * True when the client tripped over what it remembers, not over what a broker sent. kafkajs 2.2.4 does in a rebalance that leaves it without
 * partitions: a fetch that began before looks up offsets that are gone (its issue 1366).
 */
export function isClientFault(error: unknown): boolean {
  return [...causesOf(error)].some((cause) => cause instanceof TypeError);
}

/** Kafka's names of the protocol errors in an error's chain of causes. */
export function protocolErrorsOf(error: unknown): readonly string[] {
  return [...causesOf(error)].flatMap((cause, depth) => failureOf(cause, depth).protocol ?? []);
}

interface Options {
  readonly cause: unknown;
  readonly context: ErrorContext;
}

function accessError(failures: readonly KafkaFailure[], attempt: string, options: Options): StopError | null {
  for (const { name, protocol, code } of failures) {
    const denied = protocol === null ? undefined : authorizationFailures.get(protocol);
    if (denied !== undefined) {
      return new StopError(
        'KAFKA_NOT_AUTHORIZED',
        `Could not ${attempt}: Kafka denies this user access to the ${denied} (${protocol}). Grant it, or change sasl.username.`,
        options,
      );
    }
    const authentication =
      name === 'KafkaJSSASLAuthenticationError' ||
      code === 'PLT_KFK_AUTHENTICATION' ||
      (protocol !== null && authenticationFailures.has(protocol));
    if (authentication) {
      return new StopError(
        'KAFKA_NOT_AUTHENTICATED',
        `Could not ${attempt}: Kafka refused the login. Check sasl.mechanism, sasl.username and sasl.password.`,
        options,
      );
    }
    if (code !== null && certificateFailures.has(code)) {
      return new StopError(
        'KAFKA_CERTIFICATE_REFUSED',
        `Could not ${attempt}: the broker's certificate is not trusted (${code}). Check ssl.ca.location and that bootstrap.servers and the brokers' advertised names are in their certificates.`,
        options,
      );
    }
    if (code !== null && (code === 'EPROTO' || code.startsWith('ERR_SSL_'))) {
      return new StopError(
        'KAFKA_NOT_TLS',
        `Could not ${attempt}: the TLS handshake failed (${code}). Check security.protocol: this listener may not speak TLS, or ask for a client certificate.`,
        options,
      );
    }
  }
  return null;
}

/** Joining again would take the place back, and the two would go on like that. */
function instanceError(
  failures: readonly KafkaFailure[],
  attempt: string,
  { cause, context }: Options,
): StopError | null {
  if (!failures.some(({ protocol }) => protocol === 'FENCED_INSTANCE_ID')) return null;
  return new StopError(
    'KAFKA_INSTANCE_FENCED',
    `Could not ${attempt}: another process has joined the group with the same group.instance.id. Give each process its own.`,
    { cause, context: { ...context, setting: 'group.instance.id' } },
  );
}

function settingError(
  failures: readonly KafkaFailure[],
  attempt: string,
  options: Options,
): StopError | null {
  for (const { name, protocol, code } of failures) {
    if (protocol !== null && settingFailures.has(protocol)) {
      return new StopError(
        'KAFKA_REQUEST_REFUSED',
        `Could not ${attempt}: Kafka refuses the request (${protocol}).`,
        options,
      );
    }
    if (languageErrors.has(name) || (code !== null && languageErrors.has(code))) {
      return new StopError(
        'KAFKA_UNREADABLE',
        `Could not ${attempt}: the Kafka client failed on what the broker sent (${name}).`,
        options,
      );
    }
  }
  return null;
}

function outageError(failures: readonly KafkaFailure[], attempt: string, options: Options): OutageError {
  if (failures.some(({ protocol }) => protocol === 'UNKNOWN_TOPIC_OR_PARTITION')) {
    return new OutageError(
      'KAFKA_UNKNOWN_TOPIC',
      `Could not ${attempt}: the topic does not exist in this cluster. It is waited for; create it, or check its name.`,
      options,
    );
  }
  const detail = failures.findLast(({ protocol, code }) => protocol !== null || code !== null);
  const said = detail?.protocol ?? detail?.code ?? failures.at(-1)?.name ?? 'unknown';
  return new OutageError(
    'KAFKA_UNAVAILABLE',
    `Could not ${attempt}: Kafka does not answer (${said}).`,
    options,
  );
}

/** The error, its causes and the members of aggregates, outermost first. */
function* causesOf(error: unknown): Generator<object> {
  const queue: unknown[] = [error];
  const seen = new Set<object>();
  while (queue.length > 0 && seen.size < failuresMax) {
    const next = queue.shift();
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    yield next;
    if ('errors' in next && Array.isArray(next.errors)) queue.push(...next.errors.slice(0, failuresMax));
    if ('cause' in next) queue.push(next.cause);
  }
}

function failureOf(error: object, depth: number): KafkaFailure {
  const code = textOf(error, 'code');
  // @platformatic/kafka replaces Kafka's answer "unknown topic or partition" by an error of its own, without the name. Deeper
  // in the chain the same code means a client that was closed while it tried again.
  const unknown = depth === 0 && code === 'PLT_KFK_USER' ? 'UNKNOWN_TOPIC_OR_PARTITION' : null;
  // kafkajs calls Kafka's name `type`, @platformatic/kafka `apiId`.
  return {
    name: textOf(error, 'name') ?? 'Error',
    protocol: textOf(error, 'type') ?? textOf(error, 'apiId') ?? unknown,
    code,
  };
}

function textOf(error: object, property: string): string | null {
  const value: unknown = Reflect.get(error, property);
  return typeof value === 'string' ? value : null;
}
