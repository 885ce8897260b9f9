import { LRUCache } from 'lru-cache';
import {
  type AvroSchema,
  type MappedVersion,
  MappedVersionFinder,
  type MappingProblem,
  type SchemaRegistry,
  type TableSchemas,
} from '../schemas/index.ts';
import type { Fault, Reader } from './mapping-judge.ts';

const writersMax = 32;

/** A newer version that is not in force, because something is wrong with it. */
export interface MappingAlarm {
  readonly code: string;
  /** Where it is registered. */
  readonly subject: string;
  readonly version: number;
  readonly problems: readonly MappingProblem[];
  readonly sinceMs: number;
}

/** What a subject's events are read with, now. Others hold on to it and look again at `reader`. */
export interface SubjectMapping {
  readonly subject: string;
  /** Null while no version carries a mapping. Never goes back to null. */
  readonly reader: Reader | null;
  /** True when it was pushed out and is not kept up to date any more: ask for the subject again. */
  readonly retired: boolean;
}

/** What is wrong with the newest version. */
export interface MappingRefusal {
  readonly found: MappedVersion;
  readonly error: Fault['error'];
  readonly alarm: MappingAlarm;
  /** Which graph schema it was judged against. */
  readonly graphVersion: number;
  /** And which tables. */
  readonly tables: TableSchemas;
}

/** All that is remembered of a subject. */
export class Slot implements SubjectMapping {
  readonly subject: string;
  readonly finder: MappedVersionFinder;
  /** Writers whose events it reads, so that a version that cannot read them is noticed before it is in force. */
  readonly writers = new LRUCache<number, AvroSchema>({ max: writersMax });
  reader: Reader | null = null;
  refusal: MappingRefusal | null = null;
  retired = false;
  /** Of the newest question to the registry that has been answered. */
  ticket = 0;
  /** Code of the failure that was logged last; null after an answer. */
  complaint: string | null = null;
  complaints = 0;

  constructor(subject: string, registry: SchemaRegistry) {
    this.subject = subject;
    this.finder = new MappedVersionFinder(registry, subject);
  }
}
