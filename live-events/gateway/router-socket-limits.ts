export interface RouterSocketLimits {
  readonly connectMs: number;
  /** Between tries; decorrelated jitter. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A router that was silent for so long, pings included, is taken for dead. */
  readonly silentMs: number;
  readonly requestMs: number;
  /** A question waits so long for the connection: devices come back to a gateway that starts before it has reached its router. */
  readonly openMs: number;
  /** Questions under way. */
  readonly requestsMax: number;
  /** Bytes that may wait for the router; reports beyond them are dropped. */
  readonly bufferBytesMax: number;
}

export const routerSocketLimitsDefault: RouterSocketLimits = {
  connectMs: 5_000,
  backoffBaseMs: 200,
  backoffMaxMs: 10_000,
  silentMs: 25_000,
  requestMs: 5_000,
  openMs: 2_000,
  requestsMax: 512,
  bufferBytesMax: 4_194_304,
};
