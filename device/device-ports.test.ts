import { expect, it, onTestFinished } from 'vitest';
import { systemPorts } from './device-ports.ts';

it('A wait for a moment that has passed is over at once, and no warning is made of it', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  onTestFinished(() => void process.off('warning', onWarning));
  await systemPorts.clock.sleep(-0.294);
  // Warnings are told in a turn of their own.
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});
