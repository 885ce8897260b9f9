import { type Normalizer, onText, texts } from './normalizer.ts';

/** The first that a text contains decides, so what is more special comes first. */
const families: readonly (readonly [family: string, words: readonly string[]])[] = [
  ['TABLET', ['tablet', 'ipad', 'kindle']],
  ['CONSOLE', ['playstation', 'xbox', 'nintendo', 'console', 'ps4', 'ps5']],
  ['CAST', ['chromecast', 'airplay']],
  ['TV', ['tv', 'roku', 'bravia', 'webos', 'tizen', 'settop', 'set-top', 'stb']],
  ['PHONE', ['phone', 'android', 'mobile', 'ios']],
  ['BROWSER', ['browser', 'chrome', 'firefox', 'safari', 'edge', 'web']],
  ['COMPUTER', ['windows', 'mac', 'linux', 'desktop', 'laptop', 'computer', 'pc']],
];

export const deviceFamily: Normalizer = {
  name: 'deviceFamily',
  takes: texts,
  gives: 'string',
  description: `A device as one of ${families.map(([family]) => family).join(', ')}, by the words that its model or platform contains; OTHER otherwise.`,
  examples: [
    ['Samsung Tizen 7', 'TV'],
    ['iPad Pro', 'TABLET'],
    ['iPhone 17', 'PHONE'],
    ['toaster', 'OTHER'],
  ],
  normalize: onText((text) => {
    const lower = text.toLowerCase();
    return families.find(([, words]) => words.some((word) => lower.includes(word)))?.[0] ?? 'OTHER';
  }),
};
