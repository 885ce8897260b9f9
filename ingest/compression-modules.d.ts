// Neither package carries types. Only what `compression-codecs.ts` calls is declared.

declare module 'lz4js' {
  /** Upper bound of a frame's content, from its block headers or its content size, which a sender may forge. */
  export function decompressBound(frame: Uint8Array): number;
  /** Returns how many bytes the frame holds; what does not fit into `into` is counted, not written. */
  export function decompressFrame(frame: Uint8Array, into: Uint8Array): number;
}

declare module 'snappyjs' {
  export function uncompress(compressed: Buffer, lengthMax?: number): Buffer;
}
