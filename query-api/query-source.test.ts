import { describe, expect, it } from 'vitest';
import { sourceRefusal } from './query-source.ts';

const tokensMax = 100_000;

describe('A query is refused by its tokens alone', () => {
  it.each([
    ['selections', '{a'.repeat(40_000)],
    ['lists', `{ a(b: ${'['.repeat(80_000)}`],
    ['types', `query($a: ${'['.repeat(80_000)}`],
    ['objects', `{ a(b: ${'{c: '.repeat(30_000)}`],
  ])('when its %s nest deeper than a parser can recurse', (_name, query) => {
    expect(sourceRefusal(query, tokensMax)?.extensions).toMatchObject({
      code: 'QUERY_TOO_LARGE',
      limit: 200,
    });
  });

  it('when it has one token too many, comments and commas left out', () => {
    const query = `# ${'{'.repeat(300)}\n{ a, b }`;
    expect(sourceRefusal(query, 4)).toBeNull();
    expect(sourceRefusal(query, 3)?.extensions).toMatchObject({ code: 'QUERY_TOO_LARGE', limit: 3 });
  });

  it('when it has more than two lines a token, wherever they are', () => {
    for (const write of [
      (lines: string) => `${lines}{a}`,
      (lines: string) => `{a}${lines}`,
      (lines: string) => `{a(b: """${lines}""")}`,
    ]) {
      expect(sourceRefusal(write('\n'.repeat(199)), 100)).toBeNull();
      expect(sourceRefusal(write('\n'.repeat(200)), 100)?.extensions).toMatchObject({
        code: 'QUERY_TOO_LARGE',
        limit: 200,
      });
    }
  });

  it('but not when it is no GraphQL: that is the parser\u2019s to say', () => {
    expect(sourceRefusal('{ \u0000', tokensMax)).toBeNull();
  });
});
