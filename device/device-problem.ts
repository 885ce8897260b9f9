/**
 * What went wrong without stopping the device. `BAD_CACHE`: what lay in the cache was dropped. `CACHE_FAILED`: it cannot be written. `PREFETCH_FAILED`, `CONNECTION_FAILED`: asked
 * again after a while. `BAD_PREFETCH`: an answer that is none. `BAD_MESSAGE`: a text of the server that is no message, passed over. `RENDER_FAILED`, `RENDER_TIMEOUT`: the
 * application did not show a stage, and nothing was acknowledged.
 */
export type DeviceProblemCode =
  | 'BAD_CACHE'
  | 'CACHE_FAILED'
  | 'PREFETCH_FAILED'
  | 'BAD_PREFETCH'
  | 'CONNECTION_FAILED'
  | 'BAD_MESSAGE'
  | 'RENDER_FAILED'
  | 'RENDER_TIMEOUT';

export interface DeviceProblem {
  readonly code: DeviceProblemCode;
  readonly message: string;
  readonly cause: unknown;
}

/** Told of each problem once; also what the parts of a device report by. */
export type Report = (code: DeviceProblemCode, message: string, cause?: unknown) => void;
