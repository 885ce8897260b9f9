import { type Normalizer, onText, texts } from './normalizer.ts';

export const upperCase: Normalizer = {
  name: 'upperCase',
  takes: texts,
  gives: 'string',
  description: 'In upper case, by Unicode and no language.',
  examples: [['usd', 'USD']],
  normalize: onText((text) => text.toUpperCase()),
};
