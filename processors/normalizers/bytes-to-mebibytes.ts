import { type Normalizer, numbers } from './normalizer.ts';
import { scale } from './scale.ts';

export const bytesToMebibytes: Normalizer = {
  name: 'bytesToMebibytes',
  takes: numbers,
  gives: 'double',
  description: 'Bytes as mebibytes (2^20 bytes).',
  examples: [[3_145_728n, 3]],
  normalize: scale(1 / 1_048_576),
};
