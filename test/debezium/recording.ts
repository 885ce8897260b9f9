import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One topic as it was recorded; bytes are base64. */
export interface RecordedTopic {
  readonly topic: string;
  readonly subjects: readonly {
    readonly subject: string;
    readonly schemas: readonly { readonly id: number; readonly version: number; readonly text: string }[];
  }[];
  readonly records: readonly {
    readonly offset: string;
    readonly timestampMs: number;
    readonly key: string | null;
    readonly value: string | null;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
  }[];
}

export function recordingFile(topic: string): string {
  return join(import.meta.dirname, 'fixtures', `${topic}.json`);
}

export function readRecording(topic: string): RecordedTopic {
  return JSON.parse(readFileSync(recordingFile(topic), 'utf8'));
}
