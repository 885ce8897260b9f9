import { expect, it } from 'vitest';
import { runLiveKills } from './kill-testing.ts';
import { runStorm } from './storm-testing.ts';

const seed = Math.floor(Math.random() * 2 ** 31);

it(`brings every device to the right stage though gateways, router and producer are killed at random (seed ${seed})`, async () => {
  const summary = await runLiveKills(seed, 40, () => undefined);
  expect(Math.min(summary.gatewaysKilled, summary.routersKilled)).toBeGreaterThan(0);
  expect(summary.answers.welcome).toBeGreaterThan(0);
});

it(`has all devices of a gateway back soon after it was killed (seed ${seed})`, async () => {
  const summary = await runStorm(seed, 400);
  expect(summary.recoveredMs.all).toBeLessThan(15_000);
});
