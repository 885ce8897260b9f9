import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from './auth/caller.ts';
import { problem, problemCodeOf } from './problem.ts';

/** Whether there is room for a request now; asked before anything of its body is read. Another room decides. */
export interface TrafficGate {
  admit(asked: TrafficRequest): TrafficAdmission;
}

export interface TrafficRequest {
  readonly headers: IncomingMessage['headers'];
  readonly path: string;
  /** With its question mark, or empty. */
  readonly search: string;
  readonly caller: Caller;
}

export type TrafficAdmission =
  | { readonly kind: 'admitted'; readonly done: (outcome: TrafficOutcome) => void }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string;
      readonly retryAfterMs: number;
      /** How often to try before giving the network a long rest. */
      readonly retriesMax: number;
    };

export interface TrafficOutcome {
  readonly kind: 'answered' | 'failed' | 'timed-out' | 'abandoned';
  /** Calls of the store for it. */
  readonly downstreamCalls: number;
}

/** What a request has cost so far, for whoever admitted it. */
export interface TrafficCost {
  downstreamCalls: number;
}

/** Null: it was refused, and is answered; or nobody waits for an answer any more. Its end is told to the gate by itself. */
export function admitRequest(
  gate: TrafficGate | null,
  asked: TrafficRequest,
  response: ServerResponse,
  requestId: string,
): TrafficCost | null {
  const cost: TrafficCost = { downstreamCalls: 0 };
  if (gate === null) return cost;
  const admission = gate.admit(asked);
  if (admission.kind === 'refused') {
    const { status, code, retryAfterMs, retriesMax } = admission;
    response.setHeader('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
    const message = 'This server has more to do than it can; try again later.';
    problem(response, status, code, message, requestId, { retryAfterMs, retriesMax });
    return null;
  }
  // Who went away while it was found out who they are has closed already, and will not close again.
  if (response.closed || response.destroyed) {
    admission.done({ kind: 'abandoned', downstreamCalls: 0 });
    return null;
  }
  response.once('close', () => {
    admission.done({ kind: outcomeOf(response), downstreamCalls: cost.downstreamCalls });
  });
  return cost;
}

function outcomeOf(response: ServerResponse): TrafficOutcome['kind'] {
  if (!response.writableFinished) return 'abandoned';
  // Another 503 is an answer that came fast: something is not there yet.
  if (problemCodeOf(response) === 'DEADLINE_EXCEEDED') return 'timed-out';
  return response.statusCode >= 500 ? 'failed' : 'answered';
}
