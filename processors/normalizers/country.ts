import { type Normalizer, onFewTexts, texts } from './normalizer.ts';

const alpha2 = /^[A-Za-z]{2}$/;
/** Reserved or withdrawn codes that services still send, as ISO 3166-1 has them today. */
const renamed: Readonly<Record<string, string>> = {
  UK: 'GB',
  EL: 'GR',
  FX: 'FR',
  TP: 'TL',
  ZR: 'CD',
  BU: 'MM',
};
const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });

export const country: Normalizer = {
  name: 'country',
  takes: texts,
  gives: 'string',
  description: 'A country as its ISO 3166-1 code of two letters; null for what is none.',
  examples: [
    [' fr', 'FR'],
    ['uk', 'GB'],
    ['France', null],
    ['ZZ', null],
  ],
  normalize: onFewTexts((text) => {
    const code = text.trim();
    if (!alpha2.test(code)) return null;
    const upper = code.toUpperCase();
    const current = renamed[upper] ?? upper;
    return current === 'ZZ' || regions.of(current) === undefined ? null : current;
  }),
};
