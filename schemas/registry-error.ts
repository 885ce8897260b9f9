import {
  BadDataError,
  type ErrorContext,
  type JourneyGraphError,
  OutageError,
  StopError,
} from '../foundation/index.ts';
import { isObject } from './schema-text.ts';

/** A complete answer of the registry, its body not yet believed. */
export interface RegistryAnswer {
  readonly status: number;
  readonly body: string;
}

export function registryUnreachable(url: string, what: string, cause?: unknown): OutageError {
  return new OutageError(
    'REGISTRY_UNREACHABLE',
    `The schema registry at ${url} ${what}; the pipeline pauses and asks again.`,
    { cause },
  );
}

/** The registry's own number for an error (40401 no such subject, 40402 version, 40403 schema); null when it gave none. */
export function errorCodeOf(body: string): number | null {
  const json = parse(body);
  return isObject(json) && typeof json.error_code === 'number' ? json.error_code : null;
}

/**
 * What an answer that is not 200 means.
 *
 * A 404 is believed only with the registry's own error code: a proxy, or a wrong base path, answers 404 for every id,
 * and believing it would send a whole topic of good events to the dead letters.
 */
export function classifyAnswer(
  answer: RegistryAnswer,
  url: string,
  context: ErrorContext,
): JourneyGraphError {
  const { status, body } = answer;
  const code = errorCodeOf(body);
  if (status === 401 || status === 403) {
    return new StopError(
      'REGISTRY_REFUSED',
      `The schema registry at ${url} refused the request (status ${status}): check its credentials and permissions.`,
      { context },
    );
  }
  if (status === 404 && code !== null && code >= 40_400 && code < 40_500) {
    return new BadDataError('SCHEMA_NOT_FOUND', `The schema registry at ${url} does not know this schema.`, {
      context,
    });
  }
  if ((status === 409 || status === 422) && code !== null) {
    return new StopError(
      'SCHEMA_REFUSED',
      `The schema registry at ${url} refused the schema (status ${status}, code ${code}): ${reasonOf(body)}.`,
      { context },
    );
  }
  if (status >= 300 && status < 400)
    return registryUnreachable(url, `sent a redirect (${status}), which is not followed`);
  return registryUnreachable(url, `answered with status ${status}`);
}

function reasonOf(body: string): string {
  const json = parse(body);
  const message = isObject(json) && typeof json.message === 'string' ? json.message : 'no reason given';
  return message.slice(0, 500).replace(/\.$/, '');
}

export function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
