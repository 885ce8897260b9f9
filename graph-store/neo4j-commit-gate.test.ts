import { describe, expect, it } from 'vitest';
import { CommitGate } from './neo4j-commit-gate.ts';

describe('reads and commits', () => {
  it('take turns: a commit waits for reads that began, later reads wait for the commit', async () => {
    const gate = new CommitGate();
    const said: string[] = [];
    const [first, second, commit] = [held(), held(), held()];
    const reading = [
      gate.read(() => first.until.then(() => void said.push('first read'))),
      gate.read(() => second.until.then(() => void said.push('second read'))),
    ];
    const committing = gate.commit(() => commit.until.then(() => void said.push('commit')));
    const later = gate.read(async () => void said.push('later read'));
    commit.end();
    first.end();
    await reading[0];
    second.end();
    await Promise.all([...reading, committing, later]);
    expect(said).toEqual(['first read', 'second read', 'commit', 'later read']);
  });

  it('go on after either of them failed', async () => {
    const gate = new CommitGate();
    const fails = (): Promise<never> => Promise.reject(new Error('an invented failure'));
    await expect(gate.read(fails)).rejects.toThrow('invented');
    await expect(gate.commit(fails)).rejects.toThrow('invented');
    await gate.commit(async () => undefined);
    expect(await gate.read(async () => 1)).toBe(1);
  });
});

function held(): { readonly until: Promise<void>; readonly end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { until: promise, end: resolve };
}
