/**
 * 32 well-mixed bits of a node's name `<type>\0<id>\0` at `[start, end)`: every row of the node begins with them, and the estimate of nodes counts them.
 *
 * FNV-1a (Fowler, Noll, Vo) with the finalizer of MurmurHash3 (Austin Appleby, public domain): names are some twenty bytes, for which
 * entering WebAssembly costs more than hashing.
 */
export function hashNodeName(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
