import {
  BadDataError,
  type Clock,
  type ErrorContext,
  RefusedError,
  systemClock,
} from '../foundation/index.ts';
import type { RegisteredSchema, SchemaRegistry, SubjectVersion } from './registry.ts';
import { classifyAnswer, errorCodeOf, parse, registryUnreachable } from './registry-error.ts';
import { RegistryHttp, type RegistryHttpLimits, registryHttpLimitsDefault } from './registry-http.ts';
import { isObject } from './schema-text.ts';

export interface ConfluentRegistryOptions {
  /** Base URL, its path included, such as `http://localhost:8081`. */
  readonly url: string;
  /** `user:password` for basic authentication; credentials in the URL are taken too. */
  readonly auth?: string;
  readonly limits?: RegistryHttpLimits;
  readonly clock?: Clock;
}

/** A subject with more versions than this is read from its newest end. */
const versionsMax = 200;
const guidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A registry that speaks Confluent's REST interface.
 *
 * The requests are our own instead of `@kafkajs/confluent-schema-registry`'s, because that library (4.1.0) keeps no raw
 * text (it returns a compiled type, and the mapping is in the text), lists no versions, answers status 400 both for a bad
 * request and for no connection at all, caps neither the size of an answer nor the time it takes, retries on its own,
 * and changes the subject's compatibility setting when it registers. Tests use it as the client that is not ours.
 */
export class ConfluentRegistry implements SchemaRegistry {
  readonly #http: RegistryHttp;

  /** Throws `RefusedError` code `REGISTRY_URL_INVALID`. Connects to nothing yet. */
  constructor(options: ConfluentRegistryOptions) {
    const limits = options.limits ?? registryHttpLimitsDefault;
    this.#http = new RegistryHttp(
      parseUrl(options.url),
      options.auth ?? null,
      limits,
      options.clock ?? systemClock,
    );
  }

  async schemaById(id: number, signal?: AbortSignal): Promise<RegisteredSchema> {
    if (!Number.isInteger(id) || id < 0 || id > 0x7fff_ffff) {
      throw new BadDataError('SCHEMA_NOT_FOUND', `${id} cannot be a schema id.`, {
        context: { schemaId: id },
      });
    }
    const answer = await this.#get(`/schemas/ids/${id}`, { schemaId: id }, signal);
    return { id, text: this.#textOf(answer, { schemaId: id }) };
  }

  async schemaByGuid(guid: string, signal?: AbortSignal): Promise<RegisteredSchema> {
    if (!guidPattern.test(guid))
      throw new BadDataError('SCHEMA_NOT_FOUND', 'This cannot be the GUID of a schema.');
    const { status, body } = await this.#http.request(
      { method: 'GET', path: `/schemas/guids/${guid}` },
      signal,
    );
    if (status === 404 && errorCodeOf(body) === null) {
      throw new BadDataError(
        'SCHEMA_GUID_UNSUPPORTED',
        `The schema registry at ${this.#http.url} cannot look up schemas by GUID: let producers write the id into the value.`,
      );
    }
    if (status !== 200) throw classifyAnswer({ status, body }, this.#http.url, {});
    const answer = this.#json(body);
    return { id: typeof answer.id === 'number' ? answer.id : 0, text: this.#textOf(answer, {}) };
  }

  async latest(subject: string, signal?: AbortSignal): Promise<SubjectVersion | null> {
    return this.#version(subject, 'latest', signal);
  }

  async versions(subject: string, signal?: AbortSignal): Promise<readonly SubjectVersion[]> {
    const path = `/subjects/${escapeSubject(subject)}/versions`;
    const { status, body } = await this.#http.request({ method: 'GET', path }, signal);
    if (isNotFound(status, body)) return [];
    if (status !== 200) throw classifyAnswer({ status, body }, this.#http.url, { subject });
    const numbers = parse(body);
    if (!Array.isArray(numbers) || !numbers.every(Number.isInteger)) throw this.#garbled();
    const found: SubjectVersion[] = [];
    for (const number of numbers.slice(-versionsMax)) {
      const version = await this.#readable(subject, number, signal);
      if (version !== null) found.push(version);
    }
    return found.sort((a, b) => a.version - b.version);
  }

  /** Null when there is no such version. Throws `BadDataError` as `latest` does. */
  async version(subject: string, number: number, signal?: AbortSignal): Promise<SubjectVersion | null> {
    return this.#version(subject, String(number), signal);
  }

  /** Leaves the subject's compatibility setting alone. Throws `StopError` code `SCHEMA_REFUSED` when it is not met. */
  async register(subject: string, text: string, signal?: AbortSignal): Promise<SubjectVersion> {
    const body = JSON.stringify({ schema: text });
    const escaped = escapeSubject(subject);
    await this.#post(`/subjects/${escaped}/versions`, body, { subject }, signal);
    const found = await this.#post(`/subjects/${escaped}`, body, { subject }, signal);
    if (!Number.isInteger(found.version) || !Number.isInteger(found.id)) throw this.#garbled();
    return { subject, version: Number(found.version), schema: { id: Number(found.id), text } };
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  /** Null when it was deleted since it was listed, or is not read: one version of a stranger must not hide the others. */
  async #readable(subject: string, number: number, signal?: AbortSignal): Promise<SubjectVersion | null> {
    try {
      return await this.version(subject, number, signal);
    } catch (error) {
      if (error instanceof BadDataError) return null;
      throw error;
    }
  }

  async #version(subject: string, version: string, signal?: AbortSignal): Promise<SubjectVersion | null> {
    const path = `/subjects/${escapeSubject(subject)}/versions/${version}`;
    const { status, body } = await this.#http.request({ method: 'GET', path }, signal);
    if (isNotFound(status, body)) return null;
    if (status !== 200) throw classifyAnswer({ status, body }, this.#http.url, { subject });
    const answer = this.#json(body);
    if (!Number.isInteger(answer.id) || !Number.isInteger(answer.version)) throw this.#garbled();
    const [id, number] = [Number(answer.id), Number(answer.version)];
    const text = this.#textOf(answer, { subject, version: number, schemaId: id });
    return { subject, version: number, schema: { id, text } };
  }

  async #get(
    path: string,
    context: ErrorContext,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#http.request({ method: 'GET', path }, signal);
    if (answer.status !== 200) throw classifyAnswer(answer, this.#http.url, context);
    return this.#json(answer.body);
  }

  async #post(
    path: string,
    body: string,
    context: ErrorContext,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#http.request({ method: 'POST', path, body }, signal);
    if (answer.status !== 200) throw classifyAnswer(answer, this.#http.url, context);
    return this.#json(answer.body);
  }

  #json(body: string): Readonly<Record<string, unknown>> {
    const json = parse(body);
    if (!isObject(json)) throw this.#garbled();
    return json;
  }

  #textOf(answer: Readonly<Record<string, unknown>>, context: ErrorContext): string {
    if (typeof answer.schema !== 'string') throw this.#garbled();
    const kind = answer.schemaType ?? 'AVRO';
    if (kind !== 'AVRO') {
      throw new BadDataError('SCHEMA_NOT_AVRO', `The schema is of type ${String(kind)}; only AVRO is read.`, {
        context,
      });
    }
    if (Array.isArray(answer.references) && answer.references.length > 0) {
      throw new BadDataError(
        'SCHEMA_REFERENCES_UNSUPPORTED',
        'The schema refers to other subjects, which is not supported: register it with its types written out.',
        { context },
      );
    }
    return answer.schema;
  }

  #garbled(): Error {
    return registryUnreachable(this.#http.url, 'gave an answer that is not the registry interface');
  }
}

function isNotFound(status: number, body: string): boolean {
  const code = errorCodeOf(body);
  return status === 404 && code !== null && code >= 40_400 && code < 40_500;
}

/** A dot segment would climb out of the subject's path. */
function escapeSubject(subject: string): string {
  if (subject === '' || subject === '.' || subject === '..') {
    throw new RefusedError('SUBJECT_INVALID', `\`${subject}\` cannot be a subject.`, {
      context: { subject },
    });
  }
  return encodeURIComponent(subject);
}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new RefusedError(
    'REGISTRY_URL_INVALID',
    'The URL of the schema registry must begin with http:// or https://.',
    {
      context: { setting: 'schema.registry.url' },
    },
  );
}
