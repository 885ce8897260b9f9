/** Counts since the start, but for the first three, which are of now. */
export interface GatewayMetrics {
  sockets: number;
  /** Connects that are being looked at. */
  connecting: number;
  /** Sockets that broadcasts on their way have not reached yet. */
  queue: number;
  connects: number;
  /** Frames with a broadcast in them, by broadcast and socket. */
  sent: number;
  bytes: number;
  applied: number;
  /** Acknowledgements of what this gateway does not know. */
  ignored: number;
  /** Sockets that a newer broadcast reached first. */
  collapsed: number;
  /** Broadcasts that were here already, or of an older epoch. */
  stale: number;
  welcomes: number;
  /** By reason. */
  readonly resyncs: Record<string, number>;
  /** Connects, by code of the refusal. */
  readonly refused: Record<string, number>;
  /** Sockets that the gateway closed, by close code; 1006 for those that answered no ping. */
  readonly closed: Record<string, number>;
}

export function createGatewayMetrics(): GatewayMetrics {
  return {
    sockets: 0,
    connecting: 0,
    queue: 0,
    connects: 0,
    sent: 0,
    bytes: 0,
    applied: 0,
    ignored: 0,
    collapsed: 0,
    stale: 0,
    welcomes: 0,
    resyncs: {},
    refused: {},
    closed: {},
  };
}

export function count(counts: Record<string, number>, name: string | number): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
