import { describe, expect, it } from 'vitest';
import { diffOutlines, outlineOf } from './schema-outline.ts';

const record = (name: string, fields: readonly object[]): object => ({ type: 'record', name, fields });
const text = (...fields: readonly object[]): string => JSON.stringify(record('Ride', fields));
const differences = (before: string, after: string) => diffOutlines(outlineOf(before), outlineOf(after));
const city = { name: 'city', type: 'string' };
const town = { name: 'town', type: 'string', aliases: ['place', 'city'] };

describe('a field that names the older one as an alias', () => {
  it('is renamed', () => {
    expect(differences(text(city), text(town))).toEqual([
      { change: 'renamed', part: 'field', name: 'town', before: 'string, city', after: 'string' },
    ]);
  });

  it('is renamed once, with its other type, and what is inside it is the same', () => {
    const stop = (...fields: readonly object[]): object => record('Stop', fields);
    const before = text({ name: 'stops', type: { type: 'array', items: stop(city) } });
    const inside = stop(town, { name: 'code', type: 'int', default: 0 });
    const halts = { name: 'halts', type: ['null', { type: 'array', items: inside }], aliases: ['stops'] };
    expect(differences(before, text(halts)).map(({ change, name }) => `${change} ${name}`)).toEqual([
      'renamed halts',
      'renamed halts[].town',
      'added halts[].code',
    ]);
    const same = { ...halts, type: { type: 'array', items: stop(city) } };
    expect(differences(before, text(same)).map(({ change, name }) => `${change} ${name}`)).toEqual([
      'renamed halts',
    ]);
  });

  it.each([
    ['while the older one is still there', [city], [city, town], ['added town']],
    ['that no version had', [city], [{ ...town, aliases: ['place'] }], ['removed city', 'added town']],
    ['as another does', [city], [town, { ...town, name: 'village' }], ['renamed town', 'added village']],
  ])('is not renamed: %s', (_what, before, after, expected) => {
    const said = differences(text(...before), text(...after)).map(({ change, name }) => `${change} ${name}`);
    expect(said).toEqual(expected);
  });
});
