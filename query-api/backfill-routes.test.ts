import { describe, expect, it, onTestFinished } from 'vitest';
import { RefusedError, StopError } from '../foundation/index.ts';
import { startTestApi, type TestApiOptions } from './api-testing.ts';
import type { BackfillAsk, BackfillOperations } from './backfill-operations.ts';

const id = '0a'.repeat(16);
/** A busy machine takes its time. */
const patient = { timeout: 20_000 };

function operationsWith(over: Partial<BackfillOperations> = {}) {
  const asked: (string | BackfillAsk)[] = [];
  const note = (name: string) => async (of: string | BackfillAsk) => {
    asked.push(of);
    return { name };
  };
  const operations: BackfillOperations = {
    plan: note('plan'),
    run: note('run'),
    list: async () => ({ name: 'list' }),
    show: note('show'),
    pause: note('pause'),
    resume: note('resume'),
    cancel: note('cancel'),
    forget: note('forget'),
    ...over,
  };
  return { asked, operations };
}

async function start(options: TestApiOptions) {
  const server = await startTestApi(options);
  onTestFinished(() => server.close());
  return (path: string, init: RequestInit = {}) => fetch(`${server.url}/backfill/${path}`, init);
}

const posted = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });
const problemOf = async (response: Response): Promise<unknown> => {
  const body: { errors: readonly { extensions: { code: string; reaction?: string } }[] } = JSON.parse(
    await response.text(),
  );
  return [response.status, body.errors[0]?.extensions.code];
};

describe('The routes of replays', () => {
  it('are behind the same gate as queries', async () => {
    const { asked, operations } = operationsWith();
    const ask = await start({ backfills: operations, gate: { token: 'sesame' } });
    for (const [path, method] of [
      ['list', 'GET'],
      [`show?id=${id}`, 'GET'],
      ['plan', 'POST'],
      ['run', 'POST'],
      [`pause?id=${id}`, 'POST'],
      [`resume?id=${id}`, 'POST'],
      [`cancel?id=${id}`, 'POST'],
      [`forget?id=${id}`, 'POST'],
    ])
      expect((await ask(path ?? '', { method: method ?? '' })).status).toBe(401);
    expect(asked).toEqual([]);
    const headers = { authorization: 'Bearer sesame' };
    expect(await (await ask(`show?id=${id}`, { headers })).json()).toEqual({ name: 'show' });
  });

  it('change nothing by GET or for a page of another site', async () => {
    const { asked, operations } = operationsWith();
    const ask = await start({ backfills: operations });
    for (const path of ['plan', 'run', 'pause', 'resume', 'cancel', 'forget'])
      expect(await problemOf(await ask(`${path}?id=${id}`))).toEqual([405, 'METHOD_NOT_ALLOWED']);
    const crossSite = { ...posted({ topic: 'plays' }), headers: { 'sec-fetch-site': 'cross-site' } };
    expect(await problemOf(await ask('run', crossSite))).toEqual([403, 'CROSS_SITE']);
    expect(asked).toEqual([]);
    expect(await problemOf(await ask('else'))).toEqual([404, 'NOT_FOUND']);
  });

  it('hand on what is asked, whole, and a plan by its id', async () => {
    const { asked, operations } = operationsWith();
    const ask = await start({ backfills: operations });
    const whole: BackfillAsk = {
      topic: 'plays',
      topicId: 'x',
      source: 'avro',
      path: '/dumps',
      fromMs: 5,
      untilMs: 6,
      partitions: [0, 3],
      repeat: 2,
      allowGaps: true,
      rewrite: true,
      skipExpired: true,
      shadow: 's',
    };
    expect(await (await ask('plan', posted(whole))).json()).toEqual({ name: 'plan' });
    await ask('run', posted({ topic: 'plays' }));
    await ask(`run?id=${id}`, { method: 'POST' });
    for (const name of ['pause', 'resume', 'cancel', 'forget'])
      await ask(`${name}?id=${id}`, { method: 'POST' });
    expect(asked).toEqual([
      whole,
      {
        ...{ topic: 'plays', topicId: null, source: 'iceberg', path: null, fromMs: null, untilMs: null },
        ...{
          partitions: null,
          repeat: 0,
          allowGaps: false,
          rewrite: false,
          skipExpired: false,
          shadow: null,
        },
      },
      ...[id, id, id, id, id],
    ]);
  });

  it('refuse what is not understood, since a filter that is passed over lets everything through', async () => {
    const { asked, operations } = operationsWith();
    const ask = await start({ backfills: operations });
    const wrong: readonly unknown[] = [
      {},
      [],
      { topic: 7 },
      { topic: 'plays', form: 5 },
      { topic: 'plays', fromMs: '2026' },
      { topic: 'plays', fromMs: -1 },
      { topic: 'plays', partitions: [] },
      { topic: 'plays', partitions: [1.5] },
      { topic: 'plays', source: 'csv' },
      { topic: 'plays', rewrite: 'yes' },
      { topic: 'x'.repeat(200_000) },
    ];
    for (const body of wrong)
      expect(await problemOf(await ask('run', posted(body)))).toEqual([400, 'BACKFILL_ASK_INVALID']);
    expect(await problemOf(await ask('run', { method: 'POST', body: '{' }))).toEqual([
      400,
      'BACKFILL_ASK_INVALID',
    ]);
    expect(await problemOf(await ask('pause', { method: 'POST' }))).toEqual([400, 'BACKFILL_ASK_INVALID']);
    expect(asked).toEqual([]);
  });

  it('say why something was refused, and what a person has to do', async () => {
    const { operations } = operationsWith({
      run: () => Promise.reject(new RefusedError('BACKFILL_GAP', 'No file has offset 7.')),
      resume: () => Promise.reject(new StopError('BACKFILL_PLAN_DAMAGED', 'It was changed.')),
    });
    const ask = await start({ backfills: operations });
    expect(await problemOf(await ask(`run?id=${id}`, { method: 'POST' }))).toEqual([400, 'BACKFILL_GAP']);
    const stopped = await ask(`resume?id=${id}`, { method: 'POST' });
    expect(await stopped.json()).toMatchObject({ errors: [{ extensions: { reaction: 'stop' } }] });
    expect(stopped.status).toBe(409);
  });

  it('make so many plans at a time, and end one whose client has gone', async () => {
    const begun: AbortSignal[] = [];
    const { operations } = operationsWith({
      plan: (_ask, signal) => {
        begun.push(signal);
        return new Promise(() => undefined);
      },
    });
    const ask = await start({ backfills: operations });
    const clients = [new AbortController(), new AbortController()];
    const waiting = clients.map(({ signal }) =>
      ask('plan', { ...posted({ topic: 'plays' }), signal }).then(
        () => 'answered',
        () => 'gone',
      ),
    );
    await expect.poll(() => begun.length, patient).toBe(2);
    expect(await problemOf(await ask('plan', posted({ topic: 'plays' })))).toEqual([
      409,
      'BACKFILL_PLANNING',
    ]);
    for (const client of clients) client.abort();
    expect(await Promise.all(waiting)).toEqual(['gone', 'gone']);
    await expect.poll(() => begun.every(({ aborted }) => aborted), patient).toBe(true);
  });
});
