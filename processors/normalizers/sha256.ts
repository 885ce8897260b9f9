import { createHash } from 'node:crypto';
import { type Normalizer, onText, texts } from './normalizer.ts';

export const sha256: Normalizer = {
  name: 'sha256',
  takes: texts,
  gives: 'string',
  description: 'The SHA-256 of the text in hexadecimal. A guessable text is no secret by it.',
  examples: [['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad']],
  normalize: onText((text) => createHash('sha256').update(text).digest('hex')),
};
