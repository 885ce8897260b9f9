// The package carries no types. Only what `compression-codecs.ts` calls is declared.

declare module 'lz4js' {
  /**
   * Unfolds `size` bytes of `from` at `at` into `into` at `intoAt`; returns where the output ends. What does not fit into `into`
   * is counted, not written. Takes at most 255 steps a byte, whatever the bytes are.
   */
  export function decompressBlock(
    from: Buffer,
    into: Buffer,
    at: number,
    size: number,
    intoAt: number,
  ): number;
}
