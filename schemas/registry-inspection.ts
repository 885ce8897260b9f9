import { type Clock, systemClock } from '../foundation/index.ts';
import { classifyAnswer, errorCodeOf, parse, registryUnreachable } from './registry-error.ts';
import { RegistryHttp, type RegistryHttpLimits, registryHttpLimitsDefault } from './registry-http.ts';
import { isObject } from './schema-text.ts';

export interface RegistryVerdict {
  readonly compatible: boolean;
  /** In the registry's own words. */
  readonly messages: readonly string[];
}

/**
 * What a registry holds, and what it says about a schema before that is registered. It decides; `explainCompatibility`
 * says where and why.
 */
export class RegistryInspection {
  readonly #http: RegistryHttp;

  /** `url` must be an http address; `auth` is `user:password`. */
  constructor(
    url: URL,
    auth: string | null,
    limits: RegistryHttpLimits = registryHttpLimitsDefault,
    clock: Clock = systemClock,
  ) {
    this.#http = new RegistryHttp(url, auth, limits, clock);
  }

  /** Names of all subjects, sorted. */
  async subjects(signal?: AbortSignal): Promise<readonly string[]> {
    const answer = await this.#http.request({ method: 'GET', path: '/subjects' }, signal);
    if (answer.status !== 200) throw classifyAnswer(answer, this.#http.url, {});
    const body = parse(answer.body);
    if (Array.isArray(body) && body.every((name) => typeof name === 'string')) return body.sort();
    throw this.#garbled();
  }

  /** Such as `BACKWARD` or `FULL_TRANSITIVE`. Throws what the registry's other requests throw. */
  async mode(subject: string, signal?: AbortSignal): Promise<string> {
    const path = `/config/${encodeURIComponent(subject)}`;
    let answer = await this.#http.request({ method: 'GET', path: `${path}?defaultToGlobal=true` }, signal);
    if (answer.status === 404 && errorCodeOf(answer.body) !== null) {
      answer = await this.#http.request({ method: 'GET', path: '/config' }, signal);
    }
    const body = parse(answer.body);
    if (answer.status !== 200) throw classifyAnswer(answer, this.#http.url, { subject });
    const level = isObject(body) ? (body.compatibilityLevel ?? body.compatibility) : undefined;
    if (typeof level === 'string') return level;
    throw this.#garbled();
  }

  /** Against one version, in the direction or directions of the subject's mode. */
  async check(
    subject: string,
    version: number,
    text: string,
    signal?: AbortSignal,
  ): Promise<RegistryVerdict> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/${version}?verbose=true`;
    const request = { method: 'POST', path, body: JSON.stringify({ schema: text }) } as const;
    const answer = await this.#http.request(request, signal);
    if (answer.status !== 200) throw classifyAnswer(answer, this.#http.url, { subject });
    const body = parse(answer.body);
    if (!isObject(body) || typeof body.is_compatible !== 'boolean') throw this.#garbled();
    const messages = Array.isArray(body.messages) ? body.messages.map(String).slice(0, 20) : [];
    return { compatible: body.is_compatible, messages };
  }

  #garbled(): Error {
    return registryUnreachable(this.#http.url, 'gave an answer that is not the registry interface');
  }

  close(): void {
    this.#http.close();
  }
}
