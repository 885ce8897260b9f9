import { type Normalizer, onText, texts } from './normalizer.ts';

export const trim: Normalizer = {
  name: 'trim',
  takes: texts,
  gives: 'string',
  description: 'Without white space at both ends; null when nothing is left.',
  examples: [
    ['  Tokyo ', 'Tokyo'],
    ['   ', null],
  ],
  normalize: onText((text) => text.trim() || null),
};
