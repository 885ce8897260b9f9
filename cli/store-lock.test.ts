import { describe, expect, it, onTestFinished } from 'vitest';
import { StopError, systemClock } from '../foundation/index.ts';
import { openLevelStore } from '../graph-store/index.ts';
import { RunningCommand } from '../test/pack/running-command.ts';
import { fakeIo } from './command-io.fake.ts';
import { temporaryFolder } from './export-testing.ts';
import { lockWaitSeconds, triedAgain, whenUnlocked } from './store-lock.ts';

const holding = `
  const { ClassicLevel } = await import('classic-level');
  await new ClassicLevel(process.argv[1]).open();
  console.log('open');
  setInterval(() => undefined, 1000);`;

/** A folder that another process has open, and which that is. */
async function heldFolder(): Promise<{ readonly folder: string; readonly pid: number | undefined }> {
  const folder = await temporaryFolder();
  const args = ['--input-type=module', '--eval', holding, folder];
  const holder = new RunningCommand(process.execPath, args, process.cwd());
  onTestFinished(async () => {
    holder.kill('SIGKILL');
    await holder.exited;
  });
  await holder.printed(/open/);
  return { folder, pid: holder.pid };
}

describe('a store that somebody else has open', () => {
  it('is asked for again with pauses that grow, a few times in two seconds', async () => {
    const pauses: number[] = [];
    let attempts = 0;
    const sleep = async (ms: number): Promise<void> => void pauses.push(ms);
    const open = async (): Promise<never> => {
      attempts += 1;
      throw new StopError('STORE_LOCKED', 'Somebody has it.');
    };
    const io = fakeIo({ clock: { ...systemClock, sleep } });
    await expect(triedAgain(open, io)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(attempts).toBe(8);
    expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBe(lockWaitSeconds * 1000);
    expect(lockWaitSeconds).toBe(2);
  });

  it('is asked for no more when its command is stopped, or when it cannot be opened for another reason', async () => {
    const io = fakeIo();
    let attempts = 0;
    const failing = (code: string) => async (): Promise<never> => {
      attempts += 1;
      throw new StopError(code, 'It is not to be had.');
    };
    await expect(triedAgain(failing('STORE_CORRUPT'), io)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    io.stop.abort();
    await expect(triedAgain(failing('STORE_LOCKED'), io)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    expect(attempts).toBe(2);
  });

  it('is named with the process that has it, which is looked up when no more is tried', async () => {
    const { folder, pid } = await heldFolder();
    const said: string[] = [];
    const open = async (): Promise<void> => {
      try {
        await (await openLevelStore({ folder }, systemClock)).close();
      } catch (error) {
        said.push(String(error));
        throw error;
      }
    };
    await expect(whenUnlocked(folder, open, fakeIo())).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining(
        process.platform === 'linux' ? ` in use by process ${pid};` : 'by another process;',
      ),
    });
    expect(said).toHaveLength(8);
    for (const sentence of said) expect(sentence).toContain('by another process;');
  });

  it('says of one that this process has open itself what is open, not its own number', async () => {
    const folder = await temporaryFolder();
    await using cleanup = new AsyncDisposableStack();
    const held = await openLevelStore({ folder }, systemClock);
    cleanup.defer(() => held.close());
    await expect(
      whenUnlocked(folder, () => openLevelStore({ folder }, systemClock), fakeIo()),
    ).rejects.toThrow(/is open in this process already/);
  });
});
