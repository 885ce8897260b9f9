import { expect, it } from 'vitest';
import { eventKey, stepsPrefix } from './rows.ts';
import { Stretches, stretchesMax } from './stretches.ts';

const prefix = stepsPrefix({ type: 'Account', id: '1' });
const stepAt = (timeMs: number): Buffer => Buffer.concat([prefix, eventKey({ timeMs, occurrence: 1n })]);

it('An event that is late goes where the events of its time went, and one that is put again lands on itself', () => {
  const stretches = new Stretches();
  stretches.note(10);
  const early = stretches.storedKey(stepAt(10));
  stretches.begin();
  stretches.note(20);
  const late = stretches.storedKey(stepAt(20));
  expect(late[0]).not.toBe(early[0]);
  stretches.begin();
  stretches.note(30);
  expect(stretches.storedKey(stepAt(10))).toEqual(early);
  expect(stretches.storedKey(stepAt(9))[0]).toBe(early[0]);
  expect(stretches.storedKey(stepAt(20))).toEqual(late);
  expect(stretches.storedKey(stepAt(11))[0]).toBe(late[0]);
  expect(stretches.firstByteAt(stepAt(20), prefix.length)).toBe(late[0]);
  expect(Stretches.decode(stretches.encode()).storedKey(stepAt(20))).toEqual(late);
});

it('The last stretch takes all that comes, when there can be no more', () => {
  const stretches = new Stretches();
  for (let timeMs = 0; stretches.count < stretchesMax; timeMs += 1) {
    expect(stretches.isFull(0)).toBe(timeMs === 0);
    stretches.note(timeMs);
    expect(stretches.isFull(0)).toBe(true);
    stretches.begin();
  }
  stretches.note(1e6);
  expect(stretches.isFull(0)).toBe(false);
  expect(stretches.count).toBe(stretchesMax);
  const first = new Set(Array.from({ length: stretchesMax }, (_, stretch) => stretches.firstByteOf(stretch)));
  expect(first.size).toBe(stretchesMax);
  expect(Math.max(...first)).toBeLessThan(0xff);
  expect(stretches.storedKey(stepAt(1e6))[0]).toBe(stretches.firstByteOf(stretchesMax - 1));
  expect(Stretches.decode(stretches.encode()).count).toBe(stretchesMax);
});

it('Only what goes into the newest stretch fills it', () => {
  const stretches = new Stretches();
  stretches.note(1);
  stretches.noteBytes(stretches.firstByteOf(0), 100);
  expect(stretches.isFull(100)).toBe(true);
  expect(stretches.isFull(101)).toBe(false);
  stretches.begin();
  stretches.noteBytes(stretches.firstByteOf(0), 100);
  expect(stretches.bytes).toBe(0);
  stretches.noteBytes(stretches.firstByteOf(1), 7);
  expect(stretches.bytes).toBe(7);
});

it('A stretch is at least an eighth of all, however little was asked for', () => {
  const stretches = new Stretches();
  let bytes = 0;
  for (let timeMs = 0; timeMs < 10_000; timeMs += 1) {
    if (stretches.isFull(100)) stretches.begin();
    stretches.note(timeMs);
    stretches.noteBytes(stretches.firstByteOf(stretches.count - 1), 10);
    bytes += 10;
  }
  // Eight of a hundred bytes, then each so much that it is an eighth of all.
  const expected = 8 + Math.log(bytes / 800) / Math.log(8 / 7);
  expect(Math.abs(stretches.count - expected)).toBeLessThan(6);
  expect(Stretches.decode(stretches.encode()).encode()).toEqual(stretches.encode());
});

it('Of a span of time only the stretches that it touches are asked', () => {
  const stretches = new Stretches();
  for (const timeMs of [10, 20, 30]) {
    stretches.note(timeMs);
    stretches.begin();
  }
  // [..10], [11..20], [21..30], [31..
  const between = (newestMs: number, behindMs: number): readonly number[] | null =>
    stretches.ofRun({ gte: stepAt(newestMs), lt: stepAt(behindMs) });
  expect(between(100, 31)).toEqual([3]);
  expect(between(30, 21)).toEqual([2]);
  expect(between(21, 20)).toEqual([2, 1]);
  expect(between(31, 0)).toEqual([3, 2, 1, 0]);
  expect(between(10, 0)).toEqual([0]);
  const other = stepsPrefix({ type: 'Account', id: '2' });
  expect(stretches.ofRun({ gte: prefix, lt: other })).toBeNull();
  expect(stretches.ofRun({ gte: stepAt(15), lt: other })).toBeNull();
});
