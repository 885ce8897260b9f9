import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { serveTurns, takeTurn } from './turns.ts';

async function serve(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'jg-turns-'));
  const path = join(folder, 'turns.sock');
  const server = await serveTurns(path);
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return path;
}

it('One at a time has what it asks for, in the order of asking, and different things do not wait for each other', async () => {
  const path = await serve();
  const seen: string[] = [];
  const first = await takeTurn(path, 'neo4j');
  const second = takeTurn(path, 'neo4j').then((release) => {
    seen.push('second');
    return release;
  });
  const other = await takeTurn(path, 'registry');
  await other();
  expect(seen).toEqual([]);
  await first();
  const releaseSecond = await second;
  expect(seen).toEqual(['second']);
  const third = takeTurn(path, 'neo4j');
  await releaseSecond();
  await (await third)();
});

it('A turn that is given back twice is given back once', async () => {
  const path = await serve();
  const first = await takeTurn(path, 'neo4j');
  await first();
  await first();
  const again = await takeTurn(path, 'neo4j');
  await again();
});

it('says what it waited for where nobody gives out turns', async () => {
  await expect(takeTurn(join(tmpdir(), 'no-turns.sock'), 'neo4j')).rejects.toThrow(
    'Nobody gives out turns at neo4j',
  );
});
