import { type Normalizer, onText } from './normalizer.ts';

export const hex: Normalizer = {
  name: 'hex',
  takes: ['bytes'],
  gives: 'string',
  description: 'Bytes in hexadecimal instead of base64.',
  examples: [['AQL/', '0102ff']],
  normalize: onText((text) => Buffer.from(text, 'base64').toString('hex')),
};
