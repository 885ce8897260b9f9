import { describe, expect, it } from 'vitest';
import { checkForbidden } from './forbidden.ts';
import { parseModule } from './parsed-module.ts';

function count(path: string, source: string): number {
  return checkForbidden([parseModule(path, source)]).length;
}

describe('what is forbidden', () => {
  it.each([
    ['process.env', 'export const a = process.env.HOME;'],
    ['process["env"]', 'export const a = process["env"];'],
    ['an imported env', "import { env } from 'node:process';"],
    ['Date.now()', 'export const a = Date.now();'],
    ['Date.now as a value', 'export const a = { now: Date.now };'],
    ['new Date()', 'export const a = new Date();'],
    ['Math.random()', 'export const a = Math.random();'],
    ['setTimeout', 'setTimeout(f, 1);'],
    ['globalThis.setInterval', 'globalThis.setInterval(f, 1);'],
    ['timers as promises', "import { setTimeout as sleep } from 'node:timers/promises';"],
    ['as any', 'export const a = b as any;'],
    ['as unknown as', 'export const a = b as unknown as string;'],
    ['an empty catch handler', 'p.catch(() => {});'],
    ['a commented catch handler', 'p.catch(() => {\n  // nothing to do\n});'],
    ['a catch handler that returns undefined', 'p.catch(() => undefined);'],
    ['a catch handler that is void', 'p.catch(() => void 0);'],
    ['an empty function as catch handler', 'p.catch(function () {});'],
    ['@ts-ignore', '// @ts-ignore\na();'],
    ['@ts-nocheck', '/* @ts-nocheck */\na();'],
    ['@ts-expect-error without a reason', '// @ts-expect-error\na();'],
  ])('is %s', (_name, source) => {
    expect(count('ingest/a.ts', source)).toBe(1);
  });

  it.each([
    ['a date of a given time', 'export const a = new Date(0);'],
    ['clearing a timer', 'clearTimeout(timer);'],
    ['a type of a timer', 'export let a: ReturnType<typeof setTimeout>;'],
    ['words in a comment', '// never call Date.now() or use `as any`\nexport {};'],
    ['words in a string', "export const a = 'process.env Math.random()';"],
    ['a handler that does something', 'p.catch((error) => log.warn({ error }, "closing failed"));'],
    ['a handler by name', 'p.catch(report);'],
    ['@ts-expect-error with its reason', '// @ts-expect-error: the types of 2.2.4 lack `topicId`\na();'],
    ['as const', 'export const a = [1] as const;'],
  ])('is not %s', (_name, source) => {
    expect(count('ingest/a.ts', source)).toBe(0);
  });

  it.each([
    ['config/a.ts', 'process.env.HOME;', 0],
    ['config/a.ts', 'Date.now();', 1],
    ['foundation/clock.ts', 'Date.now(); setTimeout(f, 1);', 0],
    ['foundation/backoff.ts', 'Date.now();', 1],
    ['cli/a.ts', 'Date.now(); Math.random(); setTimeout(f, 1);', 0],
    ['cli/a.ts', 'process.env.HOME;', 1],
    ['demo/a.ts', 'Math.random();', 1],
    ['ingest/a.test.ts', 'Date.now(); process.env.HOME; b as unknown as string;', 0],
    ['ingest/a.test.ts', 'b as any; p.catch(() => {}); it.only("x", f);', 3],
    ['bench/a.ts', 'Date.now(); process.env.HOME;', 0],
  ])('in %s, "%s" is found %i times', (path, source, found) => {
    expect(count(path, source)).toBe(found);
  });

  it('says where and what to do instead', () => {
    const [finding] = checkForbidden([parseModule('ingest/a.ts', '\n\nconst a = Date.now();')]);
    expect(finding).toEqual({
      path: 'ingest/a.ts',
      line: 3,
      message: 'time is passed in: take a Clock (foundation/clock.ts)',
    });
  });
});
