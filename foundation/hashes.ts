import xxhash, { type XXHashAPI } from 'xxhash-wasm';

let loaded: Promise<XXHashAPI> | null = null;

/**
 * XXH32 and XXH64, one instance a thread. Each call of the package compiles WebAssembly anew, and V8 13.6 ends the process now and then where that is done again and again beside threads that begin and
 * end: "Check failed: jit_page.has_value()", nodejs/node#64500.
 */
export function hashes(): Promise<XXHashAPI> {
  loaded ??= xxhash();
  return loaded;
}
