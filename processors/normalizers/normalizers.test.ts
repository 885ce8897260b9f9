import { describe, expect, test } from 'vitest';
import { normalizers } from './index.ts';

const all = [...normalizers.values()];

describe('every function of `apply`', () => {
  test.each(all.flatMap(({ name, examples }) => examples.map(([given, gives]) => ({ name, given, gives }))))(
    '$name gives $gives for $given, as its documentation says',
    ({ name, given, gives }) => {
      expect(normalizers.get(name)?.normalize(given)).toEqual(gives);
    },
  );

  test.each(all)(
    '$name has an example and is idempotent on texts that it gives',
    ({ gives, takes, examples, normalize }) => {
      expect(examples.length).toBeGreaterThan(0);
      if (gives !== 'string' || !takes.includes('string')) return;
      for (const [given] of examples) {
        const once = normalize(given);
        if (once !== null && normalize !== normalizers.get('sha256')?.normalize)
          expect(normalize(once)).toBe(once);
      }
    },
  );
});

test('a hostile text ends in null or a text, quickly', () => {
  const hostile = ['\u0000', '\ud800', 'a'.repeat(100_000), '-'.repeat(50_000), 'x-'.repeat(40_000)];
  for (const { takes, normalize, name } of all) {
    if (!takes.includes('string') || name === 'textToTime') continue;
    for (const text of hostile) expect(['string', 'object']).toContain(typeof normalize(text));
  }
});
