import { BadDataError } from '../foundation/index.ts';
import { AvroSchema } from './avro-type.ts';
import type { SchemaRegistry, SubjectVersion } from './registry.ts';

/** A registered schema that carries a mapping: what events are read with, and what they then mean. */
export interface MappedVersion {
  /** Where it is registered: the events' own subject, or its subject of reader schemas. */
  readonly subject: string;
  readonly version: number;
  /** The registry's: of two texts the one with the lower id was registered first. */
  readonly schemaId: number;
  readonly schema: AvroSchema;
}

/** The subject where reader schemas for the events of `subject` are registered, out of their producer's reach. */
export function readerSubjectOf(subject: string): string {
  return `${subject}.graph`;
}

/** Of more versions behind one that is not fit, the oldest are not looked at. */
const olderMax = 32;

/** Which version a subject's newest one is; undefined where a registry that cannot read it does not say. */
interface Newest {
  readonly version: number | undefined;
  readonly schemaId: number | undefined;
  /** Null when it is none that is read: it means nothing, as one without a mapping does. */
  readonly readable: SubjectVersion | null;
}

/** What was found when a subject's newest version was this one. */
interface Look extends Pick<Newest, 'version' | 'schemaId'> {
  readonly found: MappedVersion | null;
}

/**
 * Finds the version that says what a subject's events mean: the newest one with a mapping under `<subject>.graph`, else under
 * the subject itself. Versions without one are passed over, as are those that are none of ours (Protobuf, references), so that no
 * producer takes a mapping away by registering one.
 *
 * Asking again costs one request a place while nothing was registered: older versions are only read when the newest has changed.
 */
export class MappedVersionFinder {
  readonly #registry: SchemaRegistry;
  readonly #places: readonly string[];
  readonly #looks = new Map<string, Look>();

  constructor(registry: SchemaRegistry, subject: string) {
    this.#registry = registry;
    this.#places = [readerSubjectOf(subject), subject];
  }

  /**
   * Null when no version carries a mapping. `passOver` hears why a place's newest version is not read. Throws what the registry throws
   * beside that.
   */
  async newest(
    signal?: AbortSignal,
    passOver: (error: BadDataError) => void = () => undefined,
  ): Promise<MappedVersion | null> {
    for (const place of this.#places) {
      const found = await this.#newestAt(place, passOver, signal);
      if (found !== null) return found;
    }
    return null;
  }

  /**
   * What may stand in for a version that is not fit to be in force: those with a mapping that come behind it, the best one first, at
   * most 32. They are behind it in its own subject, then, where that is the subject of reader schemas, in the events' own. Reads all
   * versions, and remembers none. Throws what the registry throws.
   */
  async older({ subject, version }: MappedVersion, signal?: AbortSignal): Promise<readonly MappedVersion[]> {
    const older: MappedVersion[] = [];
    for (const place of this.#places.slice(this.#places.indexOf(subject))) {
      for (const one of (await this.#registry.versions(place, signal)).toReversed()) {
        if (older.length === olderMax) return older;
        const mapped = place === subject && one.version >= version ? null : mappedVersion(one);
        if (mapped !== null) older.push(mapped);
      }
    }
    return older;
  }

  async #newestAt(
    place: string,
    passOver: (error: BadDataError) => void,
    signal?: AbortSignal,
  ): Promise<MappedVersion | null> {
    const latest = await this.#latest(place, passOver, signal);
    if (latest === null) {
      this.#looks.delete(place);
      return null;
    }
    const { version, schemaId, readable } = latest;
    const look = this.#looks.get(place);
    if (version !== undefined && look?.version === version && look.schemaId === schemaId) return look.found;
    const own = readable === null ? null : mappedVersion(readable);
    const found = own ?? (await this.#olderAt(place, version ?? Number.POSITIVE_INFINITY, signal));
    this.#looks.set(place, { version, schemaId, found });
    return found;
  }

  /** Null when the subject does not exist. */
  async #latest(
    place: string,
    passOver: (error: BadDataError) => void,
    signal?: AbortSignal,
  ): Promise<Newest | null> {
    try {
      const latest = await this.#registry.latest(place, signal);
      if (latest === null) return null;
      return { version: latest.version, schemaId: latest.schema.id, readable: latest };
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      passOver(error);
      const { version, schemaId } = error.context;
      return { version, schemaId, readable: null };
    }
  }

  async #olderAt(place: string, latest: number, signal?: AbortSignal): Promise<MappedVersion | null> {
    for (const version of (await this.#registry.versions(place, signal)).toReversed()) {
      const older = version.version < latest ? mappedVersion(version) : null;
      if (older !== null) return older;
    }
    return null;
  }
}

/** Null when the version carries no mapping, or is no valid schema and so cannot mean anything. */
function mappedVersion({ subject, version, schema: { id, text } }: SubjectVersion): MappedVersion | null {
  if (!text.includes('"graph"')) return null;
  try {
    const schema = new AvroSchema(text);
    return schema.graph === undefined ? null : { subject, version, schemaId: id, schema };
  } catch (error) {
    if (error instanceof BadDataError) return null;
    throw error;
  }
}
