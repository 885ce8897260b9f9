import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadOrder, LoadReport } from './load.ts';

const program = fileURLToPath(new URL('./load-process.ts', import.meta.url));
/** Beyond the time that the order itself takes: the start, and answers that are late. */
const spareMs = 60_000;

/** Load from a process of its own, one for each order: nothing of an earlier one is left in it. */
export async function generateLoad(order: LoadOrder): Promise<LoadReport> {
  const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    return await reportOf(child, order);
  } finally {
    child.kill('SIGKILL');
  }
}

function reportOf(child: ChildProcess, order: LoadOrder): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error('the load generator did not end in time')),
      order.seconds * 1000 + spareMs,
    );
    const settle = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    child.on('message', (message: LoadReport | 'ready') => {
      if (message === 'ready') child.send(order);
      else settle(() => resolve(message));
    });
    child.once('error', (error) => settle(() => reject(error)));
    child.once('exit', (code, signal) =>
      settle(() => reject(new Error(`the load generator ended with ${signal ?? code}`))),
    );
  });
}
