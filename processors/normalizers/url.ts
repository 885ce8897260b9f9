import { type Normalizer, onText, texts } from './normalizer.ts';

export const url: Normalizer = {
  name: 'url',
  takes: texts,
  gives: 'string',
  description:
    'An http or https address by the WHATWG’s rules, without user, password and fragment; null for what is none.',
  examples: [
    ['HTTPS://Ana:secret@Example.com:443/a/../b#top', 'https://example.com/b'],
    ['javascript:alert(1)', null],
  ],
  normalize: onText((text) => {
    const parsed = URL.parse(text.trim());
    if (parsed === null || (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')) return null;
    parsed.username = '';
    parsed.password = '';
    parsed.hash = '';
    return parsed.href;
  }),
};
