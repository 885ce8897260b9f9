import { expect, it } from 'vitest';
import { StopError } from '../../foundation/index.ts';
import { ShadowGraphs } from './shadow-graphs.ts';

function setUp() {
  const log: string[] = [];
  const closing = { wait: Promise.resolve() };
  const graphs = new ShadowGraphs(async (name) => {
    log.push(`open ${name}`);
    if (name === 'locked') throw new StopError('STORE_LOCKED', 'Somebody has it.');
    const close = async (): Promise<void> => {
      log.push(`closing ${name}`);
      await closing.wait;
      log.push(`closed ${name}`);
    };
    return { close };
  });
  return { log, graphs, closing };
}

it('A shadow is opened once for all of its users, and closed behind the last of them', async () => {
  const { log, graphs } = setUp();
  const [one, two] = await Promise.all([graphs.use('b'), graphs.use('b')]);
  expect(one.graph).toBe(two.graph);
  await one.release();
  expect([log, graphs.isUsed('b')]).toEqual([['open b'], true]);
  await two.release();
  expect([log, graphs.isUsed('b')]).toEqual([['open b', 'closing b', 'closed b'], false]);
});

it('A shadow that is closing is opened again only when it is closed', async () => {
  const { log, graphs, closing } = setUp();
  const held = Promise.withResolvers<void>();
  closing.wait = held.promise;
  const released = (await graphs.use('b')).release();
  const again = graphs.use('b');
  held.resolve();
  await released;
  await (await again).release();
  expect(log).toEqual(['open b', 'closing b', 'closed b', 'open b', 'closing b', 'closed b']);
});

it('A shadow that could not be opened is used by nobody, and tried again', async () => {
  const { log, graphs } = setUp();
  const both = await Promise.allSettled([graphs.use('locked'), graphs.use('locked')]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(graphs.isUsed('locked')).toBe(false);
  await expect(graphs.use('locked')).rejects.toMatchObject({ code: 'STORE_LOCKED' });
  expect(log).toEqual(['open locked', 'open locked']);
});

it('A shadow that is withheld is opened behind the work on it, however that ends', async () => {
  for (const fails of [false, true]) {
    const { log, graphs } = setUp();
    const held = Promise.withResolvers<void>();
    const working = graphs.withhold('b', async () => {
      await held.promise;
      log.push('worked');
      if (fails) throw new TypeError('an invented failure');
    });
    const ended = Promise.allSettled([working]);
    const uses = [graphs.use('b'), graphs.use('b')];
    // Others are not.
    await (await graphs.use('c')).release();
    held.resolve();
    const [one, two] = await Promise.all(uses);
    expect(one?.graph).toBe(two?.graph);
    expect(log).toEqual(['open c', 'closing c', 'closed c', 'worked', 'open b']);
    expect(await ended).toMatchObject([{ status: fails ? 'rejected' : 'fulfilled' }]);
  }
});

it('A shadow that somebody has is not withheld', async () => {
  const { graphs } = setUp();
  await graphs.use('b');
  await expect(graphs.withhold('b', async () => undefined)).rejects.toThrow('not withheld');
});
