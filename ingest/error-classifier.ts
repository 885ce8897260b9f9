import { JourneyGraphError, OutageError, type Reaction, StopError } from '../foundation/index.ts';

/** Codes with which Node.js says that something outside (a peer, the disk) cannot serve us now. */
const outageCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EBUSY',
  'EAGAIN',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'ENOSPC',
  'EDQUOT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Longer chains are cut: a cycle of causes must not hang the classifier. */
const causesMax = 16;

/**
 * The one place where the pipeline decides what an error means. An error of ours says it itself; a system error of Node.js
 * anywhere in the chain of causes (`fetch failed` hides its own there) is an outage. Whatever is left is a bug, and a bug stops: tried again it
 * would fail again, and as a dead letter it would throw good data away.
 */
export function classify(error: unknown): Reaction {
  let cause: unknown = error;
  for (let depth = 0; depth < causesMax && cause instanceof Error; depth += 1) {
    if (cause instanceof JourneyGraphError) return cause.reaction;
    if ('code' in cause && typeof cause.code === 'string' && outageCodes.has(cause.code)) return 'outage';
    cause = cause.cause;
  }
  return 'stop';
}

/** The same error as one of ours: itself, or wrapped as its reaction demands. */
export function asJourneyGraphError(error: unknown): JourneyGraphError {
  if (error instanceof JourneyGraphError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (classify(error) === 'outage') return new OutageError('SYSTEM_OUTAGE', message, { cause: error });
  return new StopError('INTERNAL_ERROR', message, { cause: error });
}
