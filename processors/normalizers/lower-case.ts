import { type Normalizer, onText, texts } from './normalizer.ts';

export const lowerCase: Normalizer = {
  name: 'lowerCase',
  takes: texts,
  gives: 'string',
  description: 'In lower case, by Unicode and no language.',
  examples: [['Ana@Example.COM', 'ana@example.com']],
  normalize: onText((text) => text.toLowerCase()),
};
