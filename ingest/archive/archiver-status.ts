import type { SourcePartition } from '../../graph-store/index.ts';

export type ArchiverState =
  | { readonly kind: 'idle' | 'running' | 'finished' }
  | { readonly kind: 'paused'; readonly why: string; readonly sinceMs: number }
  | { readonly kind: 'stopped'; readonly code: string; readonly why: string };

export interface ArchivedPartition {
  readonly source: SourcePartition;
  /** Another archiver of the group may have it instead. */
  readonly isOurs: boolean;
  /** What the table has; null: nothing yet. */
  readonly archived: bigint | null;
  /** What was read for the next commit. */
  readonly read: bigint | null;
  /** The log's end as last heard. */
  readonly end: bigint | null;
}

export interface ArchiverStatus {
  readonly topic: string;
  readonly table: string;
  readonly state: ArchiverState;
  readonly partitions: readonly ArchivedPartition[];
  /** Since the start. */
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly commits: number;
  /** Rows whose columns are null though there is a schema for them. */
  readonly undecoded: number;
  readonly lastCommitMs: number | null;
}
