/**
 * Runs what starts processes of its own. They are left to `cleanup`, which ends them when the work is over, fails, or is interrupted (Ctrl-C, SIGTERM); what is still
 * starting then goes with this process.
 */
export async function interruptible<T>(work: (cleanup: AsyncDisposableStack) => Promise<T>): Promise<T> {
  const interrupted = Promise.withResolvers<never>();
  const interrupt = (signal: NodeJS.Signals): void => {
    interrupted.reject(new Error(`Interrupted by ${signal}.`));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  await using cleanup = new AsyncDisposableStack();
  try {
    return await Promise.race([interrupted.promise, work(cleanup)]);
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
