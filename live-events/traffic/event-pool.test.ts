import { describe, expect, it } from 'vitest';
import { EventPools, eventOfAddress, readEventPool } from './event-pool.ts';

describe('EventPools', () => {
  const own = { kind: 'address', url: 'https://live.example.org' } as const;
  const part = { kind: 'partition', name: 'sports', share: 0.3 } as const;
  const pools = new EventPools([
    { events: ['fight-1'], pool: own },
    { events: ['fight-*', 'race-*'], pool: part },
  ]);

  it.each([
    ['fight-1', own],
    ['fight-2', part],
    ['race-9', part],
    ['gala', { kind: 'shared' }],
    [null, { kind: 'shared' }],
  ])('of %s goes by the first rule that names it', (event, expected) => {
    expect(pools.of(event)).toEqual(expected);
  });

  it('names the address of an event that has servers of its own', () => {
    expect([pools.addressOf('fight-1'), pools.addressOf('race-9')]).toEqual([own.url, null]);
    expect(pools.addresses).toEqual([own.url]);
  });
});

describe('eventOfAddress', () => {
  it.each([
    ['/live/events/fight-1/prefetch', '', 'fight-1'],
    ['/live/socket', '?event=fight-1&after=0.0', 'fight-1'],
    ['/live/socket', '?event=fight%201', null],
    ['/live/socket', `?event=a&x=${'y'.repeat(5_000)}`, null],
    ['/live/socket', '', null],
    ['/live/events/%2e%2e/prefetch', '', null],
    ['/graphql', '?event=fight-1', null],
  ])('of %s%s', (path, search, expected) => {
    expect(eventOfAddress(path, search)).toBe(expected);
  });
});

it.each([
  ['fight-1=0.3', { events: ['fight-1'], pool: { kind: 'partition', name: 'fight-1', share: 0.3 } }],
  [
    'fight-*=https://live.example',
    { events: ['fight-*'], pool: { kind: 'address', url: 'https://live.example/' } },
  ],
  ['fight-1=0', null],
  ['fight-1=1.5', null],
  ['fight-1=ftp://live.example', null],
  ['fight 1=0.3', null],
  ['fight-1', null],
])('A pool is read from %s', (text, rule) => {
  expect(readEventPool(text)).toEqual(rule);
});
