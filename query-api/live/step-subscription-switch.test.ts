import { describe, expect, it } from 'vitest';
import { startTestApi } from '../api-testing.ts';
import { RawClient } from './live-socket-testing.ts';
import { graphOf, stepOf, TestProcess, turns } from './live-testing.ts';

describe('A subscription whose graph gives way to another one', () => {
  it('is cut, also one in arrears, and its next life brings what the other graph reads again', async () => {
    const process = new TestProcess();
    const reader = await process.subscribe(null).pull(1);
    await process.write([stepOf(500, 1), stepOf(600, 2)]);
    process.switchTo(await graphOf([stepOf(500, 1)]));
    await reader.pull();
    expect([reader.cuts, reader.ended, reader.steps]).toEqual([['other-graph'], true, []]);
    const again = await process.subscribe(reader.cursor).pull();
    expect(again.events[0]).toMatchObject({ recovered: false, reason: 'other-process' });
    expect(again.steps).toEqual([1]);
    await process.write([stepOf(600, 2)]);
    await turns();
    expect(again.steps).toEqual([1, 2]);
    await again.stop();
  });

  it('is not said to be recovered when nobody listened meanwhile, though the journal was there all along', async () => {
    const process = new TestProcess();
    const first = await process.subscribe(null).pull();
    await first.stop();
    await process.write([stepOf(500, 1)]);
    process.switchTo(await graphOf([]));
    const again = await process.subscribe(first.cursor).pull();
    expect(again.events).toMatchObject([{ step: null, recovered: false, reason: 'other-process' }]);
    await process.write([stepOf(500, 1)]);
    await turns();
    expect(again.steps).toEqual([1]);
    await again.stop();
  });

  it('hears of a batch that was on its way to the graph before once it is read into the other one, and waits for none', async () => {
    const process = new TestProcess();
    await (await process.subscribe(null).pull()).stop();
    process.hold();
    const lost = process.write([stepOf(500, 1)]);
    await turns();
    process.switchTo(await graphOf([]));
    const reader = await process.subscribe(null).pull();
    expect(reader.events).toMatchObject([{ step: null }]);
    process.settle();
    await lost;
    await turns();
    const { held } = process.journal;
    const written = process.write([stepOf(500, 1)]);
    await turns();
    process.settle();
    await written;
    await turns();
    expect([held.steps, reader.steps]).toEqual([0, [1]]);
    await reader.stop();
  });

  it('is told by the close code of its socket', async () => {
    const process = new TestProcess();
    const server = await startTestApi({ reader: process.memory, feed: process.journal });
    try {
      const client = await new RawClient(server).initialized();
      client.subscribe('1');
      expect(await client.nextStep()).toMatchObject({ step: null });
      process.switchTo(await graphOf([]));
      expect((await client.closed).code).toBe(4433);
    } finally {
      await server.close();
    }
  });

  it('takes nothing away with it from those that began in the other graph', async () => {
    const process = new TestProcess({ limits: { graceMs: 0 } });
    const before = await process.subscribe(null).pull();
    process.switchTo(await graphOf([]));
    const after = await process.subscribe(null).pull();
    await before.stop();
    await process.write([stepOf(500, 1)]);
    await turns();
    expect(after.steps).toEqual([1]);
    await after.stop();
    expect(process.journal.held).toEqual({ owners: 0, steps: 0 });
  });
});
