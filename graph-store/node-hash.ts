const fnvBasis = 0x811c9dc5;
const fnvPrime = 0x01000193;

/**
 * FNV-1a (Fowler, Noll, Vo) of `[start, end)`, 32 bits. What is hashed here are names of some twenty bytes, for which entering WebAssembly costs more than
 * hashing. Its bits are not well mixed: see {@link mixed}. `before`: of what stands in front.
 */
export function fnv1a(bytes: Uint8Array, start: number, end: number, before: number = fnvBasis): number {
  let hash = before;
  for (let i = start; i < end; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), fnvPrime);
  return hash >>> 0;
}
const ascii = 127;

/** The finalizer of MurmurHash3 (Austin Appleby, public domain): each bit of the answer depends on all of the hash. */
export function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Of a node's name `<type>\0<id>\0` at `[start, end)`: every row of the node begins with it, and the estimate of nodes counts it. */
export function hashNodeName(bytes: Uint8Array, start: number, end: number): number {
  return mixed(fnv1a(bytes, start, end));
}

/**
 * {@link hashNodeName} of the name that a node has, without its bytes: of some twenty characters these would be most of what it costs. Null unless all of
 * them are ASCII.
 */
export function hashAsciiName(type: string, id: string): number | null {
  let hash = fnvBasis;
  let seen = 0;
  for (let i = 0; i < type.length; i += 1) {
    const code = type.charCodeAt(i);
    seen |= code;
    hash = Math.imul(hash ^ code, fnvPrime);
  }
  // The NUL behind each part: only multiplied.
  hash = Math.imul(hash, fnvPrime);
  for (let i = 0; i < id.length; i += 1) {
    const code = id.charCodeAt(i);
    seen |= code;
    hash = Math.imul(hash ^ code, fnvPrime);
  }
  hash = Math.imul(hash, fnvPrime);
  return seen > ascii ? null : mixed(hash >>> 0);
}
