/** What `read` answers for each, in their order, with at most `atOnceMax` under way. The first failure ends it; `signal` ends it between two reads. */
export async function readEach<T, R>(
  asked: readonly T[],
  atOnceMax: number,
  read: (one: T) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const answers = new Array<R>(asked.length);
  const next = asked.entries();
  let failed = false;
  const reader = async (): Promise<void> => {
    for (const [i, one] of next) {
      if (failed) return;
      signal?.throwIfAborted();
      answers[i] = await read(one);
    }
  };
  const readers = Array.from({ length: Math.min(asked.length, atOnceMax) }, () =>
    reader().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All of them have to end before the snapshot that they read may be closed.
  const ends = await Promise.allSettled(readers);
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  return answers;
}
