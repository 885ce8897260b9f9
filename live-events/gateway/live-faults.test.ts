import { expect, it } from 'vitest';
import { runLiveCuts } from './cut-testing.ts';
import { runStorm } from './storm-testing.ts';

const seed = Math.floor(Math.random() * 2 ** 31);

it(`sends every device the right messages though gateways are killed, and the router is cut off, at random (seed ${seed})`, async () => {
  const summary = await runLiveCuts(seed, 40, () => undefined);
  expect(Math.min(summary.gatewaysKilled, summary.routersCut)).toBeGreaterThan(0);
  expect(summary.answers.welcome).toBeGreaterThan(0);
});

it(`has all devices of a gateway back soon after it was killed (seed ${seed})`, async () => {
  const summary = await runStorm(seed, 400);
  expect(summary.recoveredMs.all).toBeLessThan(15_000);
});
