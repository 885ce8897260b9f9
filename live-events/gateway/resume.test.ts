import { expect, it } from 'vitest';
import { noCursor } from '../../device/index.ts';
import { stageBroadcast } from './event-feed-testing.ts';
import { runSocketResumes } from './resume-sockets-testing.ts';
import { runResumes } from './resume-testing.ts';
import { createResumeCounts, ResumingDevice } from './resuming-device-testing.ts';

const seed = Math.floor(Math.random() * 2 ** 31);
const quiet = (): void => undefined;

it(`lets devices go and come back while the journal is trimmed, with no gap, no step back, and nothing twice that was acknowledged (seed ${seed})`, async () => {
  const summary = await runResumes(seed, 4_000, quiet);
  expect(summary.connects).toBeGreaterThanOrEqual(4_000);
  for (const answer of ['NEW', 'welcome', 'TOO_OLD']) expect(summary.answers[answer]).toBeGreaterThan(0);
  expect(Math.min(summary.duplicates, summary.collapsed, summary.trims)).toBeGreaterThan(0);
});

it(`does so over real sockets (seed ${seed})`, async () => {
  const summary = await runSocketResumes(seed, 300, quiet);
  expect(summary.connects).toBeGreaterThanOrEqual(300);
  expect(Math.min(summary.duplicates, summary.answers.welcome ?? 0, summary.trims)).toBeGreaterThan(0);
});

it('would notice a gap, a step back, and what comes again after it was acknowledged', () => {
  const greeted = (acknowledged: number, cut: number): ResumingDevice => {
    const device = new ResumingDevice('tv', createResumeCounts());
    device.connect();
    device.hear({ ...stageBroadcast(acknowledged), type: 'resync', reason: 'NEW', pingMs: 1, now: 1 });
    device.acknowledge();
    device.connect();
    device.hear({ ...stageBroadcast(cut), type: 'welcome', recovered: true, pingMs: 1, now: 1 });
    return device;
  };
  expect(greeted(3, 5).acknowledged).toMatchObject({ sequence: 3 });
  expect(() => greeted(3, 5).hear(stageBroadcast(5))).toThrow('not the next one');
  expect(() => greeted(3, 5).hear(stageBroadcast(3))).toThrow('not the next one');
  expect(() => greeted(3, 2)).toThrow('older than what was seen');
  expect(greeted(3, 5).caughtUp).toBe(false);
  expect(new ResumingDevice('tv', createResumeCounts()).connect()).toEqual(noCursor);
});
