import { describe, expect, it } from 'vitest';
import { classOf } from './request-class.ts';

const head = (path: string, header?: string | readonly string[]) => ({
  path,
  headers: header === undefined ? {} : { 'x-request-class': header },
});

describe('classOf', () => {
  it.each([
    ['/graphql', 'user'],
    ['/live/socket', 'live-critical'],
    ['/live/gateway', 'live-critical'],
    ['/metrics', 'live-critical'],
    ['/live/events/fight-1/prefetch', 'prefetch'],
    ['/live/events/fight-1/prefetch/more', 'user'],
    ['/store/snapshot', 'bulk'],
    ['/audiences/a/members', 'bulk'],
    ['/', 'user'],
  ])('of the route %s is %s', (path, expected) => {
    expect(classOf(head(path), false)).toBe(expected);
  });

  it.each([
    ['less urgent: anybody may', '/graphql', 'bulk', false, 'bulk'],
    ['more urgent without the right', '/graphql', 'live-critical', false, 'user'],
    ['more urgent with the right', '/graphql', 'live-critical', true, 'live-critical'],
    ['a prefetch as the user’s own', '/live/events/a/prefetch', 'user', false, 'prefetch'],
    ['unknown', '/graphql', 'first-class', true, 'user'],
    ['unknown, which must not raise', '/store/stats', 'first-class', true, 'bulk'],
    ['too long', '/graphql', 'bulk'.padEnd(5_000, ' '), true, 'user'],
    ['given twice', '/graphql', ['bulk', 'bulk'], true, 'user'],
    ['a name of objects', '/graphql', 'constructor', true, 'user'],
  ])('with a header that says something %s', (_name, path, header, mayRaise, expected) => {
    expect(classOf(head(path, header), mayRaise)).toBe(expected);
  });
});
