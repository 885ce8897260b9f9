import { describe, expect, it } from 'vitest';
import { StopError, silentLog } from '../foundation/index.ts';
import { BackgroundWork } from './background-work.ts';

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A log that keeps the messages of errors. */
function keepingLog() {
  const errors: string[] = [];
  return { errors, log: { ...silentLog, error: (_: object, message: string) => void errors.push(message) } };
}

describe('work beside the live line', () => {
  it('ends when the process is asked to', async () => {
    const asked = new AbortController();
    const work = new BackgroundWork(asked.signal, silentLog);
    work.start('The demo', untilAborted);
    asked.abort();
    await work.ended();
    expect(work.bug).toBeNull();
  });

  it('goes on when one piece stops for a person to act', async () => {
    const { errors, log } = keepingLog();
    const work = new BackgroundWork(new AbortController().signal, log);
    const other = Promise.withResolvers<string>();
    work.start('The pipeline of topic a', async () => {
      throw new StopError('LOG_GAP', 'gone');
    });
    work.start('The pipeline of topic b', async (signal) => {
      other.resolve(signal.aborted ? 'was stopped' : 'goes on');
      await untilAborted(signal);
    });
    expect(await other.promise).toBe('goes on');
    expect(work.ending.aborted).toBe(false);
    work.stop();
    await work.ended();
    expect(errors).toEqual(['The pipeline of topic a has stopped; everything else goes on.']);
    expect(work.bug).toBeNull();
  });

  it('ends all of it at a bug, keeps the first, and rejects nowhere', async () => {
    const { errors, log } = keepingLog();
    const work = new BackgroundWork(new AbortController().signal, log);
    const bug = new TypeError('a bug');
    work.start('The pipeline of topic a', async (signal) => {
      await untilAborted(signal);
      throw new TypeError('another');
    });
    work.start('The demo', () => {
      throw bug;
    });
    await work.ended();
    expect(work.ending.aborted).toBe(true);
    expect(work.bug).toEqual({ what: 'The demo', error: bug });
    expect(errors).toEqual(['The pipeline of topic a failed as well.']);
  });
});
