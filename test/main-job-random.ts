import type { Random } from '../foundation/index.ts';

/** Uniform numbers in [0, 1) that follow from the seed: a linear congruential step on 64 bits, its upper half given out. */
export function seededRandom(seed: number): Random {
  let state = BigInt.asUintN(64, BigInt(seed));
  return () => {
    state = BigInt.asUintN(64, state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n);
    return Number(state >> 32n) / 2 ** 32;
  };
}
