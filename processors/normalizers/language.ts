import { type Normalizer, onFewTexts, texts } from './normalizer.ts';

const charactersMax = 64;

export const language: Normalizer = {
  name: 'language',
  takes: texts,
  gives: 'string',
  description:
    'A language tag in its canonical form by BCP 47, underscores taken for hyphens; null for what is none.',
  examples: [
    ['EN_us', 'en-US'],
    ['iw', 'he'],
    ['klingonish?', null],
  ],
  normalize: onFewTexts((text) => {
    const tag = text.trim().replaceAll('_', '-');
    if (tag.length === 0 || tag.length > charactersMax) return null;
    try {
      return Intl.getCanonicalLocales(tag)[0] ?? null;
    } catch (error) {
      if (error instanceof RangeError) return null;
      throw error;
    }
  }),
};
