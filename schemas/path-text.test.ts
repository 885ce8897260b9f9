import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unreachable } from '../foundation/index.ts';
import { type PathSegment, parsePath } from './path-text.ts';

const seed = 20_261_121;

/** How a person writes it. */
function written(segments: readonly PathSegment[]): string {
  return segments.map((segment, index) => step(segment, index > 0)).join('');
}

function step(segment: PathSegment, isInner: boolean): string {
  switch (segment.kind) {
    case 'name':
      return `${isInner ? '.' : ''}${segment.name}`;
    case 'branch':
      return `[${segment.name}]`;
    case 'key':
      return `["${segment.key.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"]`;
    default:
      return unreachable(segment);
  }
}

const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/),
  fc.constantFrom('__proto__', 'constructor', 'in', '_'),
);
const key = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.constantFrom('', '"', '\\', '\\"', ']', '.', '["x"]'),
  )
  .filter((text) => !/\p{Cc}/u.test(text));
const segment: fc.Arbitrary<PathSegment> = fc.oneof(
  name.map((text) => ({ kind: 'name' as const, name: text })),
  name.map((text) => ({ kind: 'branch' as const, name: `com.example.${text}` })),
  key.map((text) => ({ kind: 'key' as const, key: text })),
);

describe('a path', () => {
  test('is read as what was written, whatever the keys of maps are', () => {
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 12 }), (segments) => {
        expect(parsePath(written(segments))).toEqual({ ok: true, segments });
      }),
      { seed },
    );
  });

  test('is read or refused with a sentence, whatever the text is', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a."[\]\\]{0,12}$/));
    fc.assert(
      fc.property(text, (given) => {
        const parsed = parsePath(given);
        if (parsed.ok) expect(parsed.segments.length).toBeGreaterThan(0);
        else expect(parsed.sentence).toMatch(/^(cannot be read from character \d+ on|is empty)/);
      }),
      { seed },
    );
  });

  test.each([
    ['', 'is empty'],
    ['.a', 'cannot be read from character 1 on; a map’s key that is no name is written as ["key"]'],
    ['a.', 'cannot be read from character 2 on; a map’s key that is no name is written as ["key"]'],
    ['a[b', 'cannot be read from character 2 on; a map’s key that is no name is written as ["key"]'],
    ['a.["b"]', 'cannot be read from character 2 on; a map’s key that is no name is written as ["key"]'],
    ['a[b]c', 'cannot be read from character 5 on'],
    [`a${'.a'.repeat(64)}`, 'has more than 64 steps'],
    ['a'.repeat(1_025), 'is longer than 1024 characters'],
    [
      `["${'\\'.repeat(1_000)}`,
      'cannot be read from character 1 on; a map’s key that is no name is written as ["key"]',
    ],
  ])('%j is refused', (text, sentence) => {
    expect(parsePath(text)).toEqual({ ok: false, sentence });
  });
});
