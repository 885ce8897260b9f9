import type { SourceHeader, SourceRecord } from '../event-source.ts';
import { nullHeadersHeader } from '../kafka-dead-letter-message.ts';

/** A dead letter as it lies in `<topic>.dlq`, with the record that it was. */
export interface Letter {
  /** The record as its producer wrote it, at the letter's own offset: what is applied again says where it was read. */
  readonly record: SourceRecord;
  /** Where the record was first; null when the letter does not say. */
  readonly origin: LetterOrigin | null;
  /** The code of why it is here, such as `AVRO_TRUNCATED`; `UNKNOWN` when the letter does not say. */
  readonly reason: string;
  /** What the letter says of the place of the error behind its code, such as `subject=views-value schemaId=7`. */
  readonly detail: string;
  readonly stage: string;
}

export interface LetterOrigin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

const prefix = '__connect.errors.';
const ours = [
  'topic',
  'partition',
  'offset',
  'connector.name',
  'task.id',
  'stage',
  'class.name',
  'exception.class.name',
  'exception.message',
  'exception.stacktrace',
].map((name) => prefix + name);
const reasonUnknown = 'UNKNOWN';
const reasonPattern = /^([A-Z][A-Z0-9_]{1,63})(?: |$)/;
const detailCharactersMax = 1_024;

/** Undoes what writing a dead letter added: of Connect's headers the last of a name is the letter's, any before it the record's own. */
export function readLetter(stored: SourceRecord): Letter {
  const headers = [...(stored.headers ?? [])];
  const said = new Map<string, string>();
  for (const name of ours) {
    const value = takeLast(headers, name);
    if (value !== null) said.set(name, Buffer.from(value).toString());
  }
  const nulls = said.size > 0 && hasOwnNulls(headers) ? takeLast(headers, nullHeadersHeader) : null;
  const originals = nulls === null ? headers : withNulls(headers, nulls);
  const message = said.get(`${prefix}exception.message`) ?? '';
  const [, reason = reasonUnknown] = reasonPattern.exec(message) ?? [];
  const detail = reason === reasonUnknown ? '' : message.slice(reason.length + 1);
  return {
    record: { ...originalOf(stored), headers: originals.length === 0 ? null : originals },
    origin: originOf(said),
    reason,
    detail: detail.slice(0, detailCharactersMax),
    stage: said.get(`${prefix}stage`) ?? '',
  };
}

function originalOf({ offset, timestampMs, key, value }: SourceRecord): Omit<SourceRecord, 'headers'> {
  return { offset, timestampMs, key, value };
}

function originOf(said: ReadonlyMap<string, string>): LetterOrigin | null {
  const topic = said.get(`${prefix}topic`);
  const partition = said.get(`${prefix}partition`) ?? '';
  const offset = said.get(`${prefix}offset`) ?? '';
  if (topic === undefined || !/^\d{1,9}$/.test(partition) || !/^\d{1,19}$/.test(offset)) return null;
  return { topic, partition: Number(partition), offset: BigInt(offset) };
}

/** Of a record that was a letter itself, the list may be that older letter's: it then belongs to the record. */
function hasOwnNulls(left: readonly SourceHeader[]): boolean {
  const count = (name: string): number => left.filter(({ key }) => key === name).length;
  return count(nullHeadersHeader) > count(`${prefix}topic`);
}

function takeLast(headers: SourceHeader[], name: string): Uint8Array | null {
  const index = headers.findLastIndex(({ key }) => key === name);
  if (index < 0) return null;
  const [header] = headers.splice(index, 1);
  return header?.value ?? null;
}

/** kafkajs writes no null header, so the letter has empty ones and a list of their names. */
function withNulls(headers: readonly SourceHeader[], list: Uint8Array): readonly SourceHeader[] {
  const names = new Set(namesIn(list));
  return headers.map(({ key, value }) => ({
    key,
    value: names.has(key) && value?.byteLength === 0 ? null : value,
  }));
}

function namesIn(list: Uint8Array): readonly unknown[] {
  try {
    const names: unknown = JSON.parse(Buffer.from(list).toString());
    return Array.isArray(names) ? names : [];
  } catch {
    return [];
  }
}
