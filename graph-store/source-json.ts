import type { SourceStatus } from './graph-store.ts';

/** A position as JSON holds it: JSON's numbers lose offsets beyond 2^53. */
export interface SourceJson extends Omit<SourceStatus, 'next'> {
  readonly next: string;
}

export function encodeSource(status: SourceStatus): SourceJson {
  return { ...status, next: String(status.next) };
}

export function decodeSource(source: SourceJson): SourceStatus {
  return { ...source, next: BigInt(source.next) };
}
