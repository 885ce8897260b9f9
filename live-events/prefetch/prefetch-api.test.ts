import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../foundation/index.ts';
import { ask } from '../../query-api/api-testing.ts';
import type { ApiServer } from '../../query-api/index.ts';
import { callerWith } from '../../query-api/policy/policy-testing.ts';
import { testShow } from '../stage-maps/plan-testing.ts';
import type { TestMaps } from '../stage-maps/stage-maps-testing.ts';
import type { Prefetches } from './prefetch.ts';
import { refusesCounts, refusesPrefetch } from './prefetch-access.ts';
import { openFans, openPrefetches, startPrefetchApi } from './prefetch-testing.ts';

let test: TestMaps;
let prefetches: Prefetches;
let server: ApiServer;
beforeAll(async () => {
  test = await openFans();
  prefetches = await openPrefetches(test);
  server = await startPrefetchApi(test, prefetches);
});
afterAll(async () => {
  await server.close();
  await prefetches.close();
  await test[Symbol.asyncDispose]();
});

async function query(selection: string): Promise<{ readonly data?: unknown; readonly errors?: unknown }> {
  return JSON.parse((await ask(server, `{ liveEvent(id: "fight-1") { ${selection} } }`)).text);
}

describe('GET /live/events/EVENT/prefetch', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${server.url}/live/events/${path}`, { headers });

  it('answers with what the protocol says, and with 304 to whoever has it', async () => {
    const response = await get('fight-1/prefetch?member=Account:a&device=tv');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('private, max-age=3600');
    expect(await response.json()).toEqual({
      version: 1,
      etag: response.headers.get('etag'),
      ttlMs: 3_600_000,
      expiresAt: test.clock.now() + 3_600_000,
      stages: expect.arrayContaining([expect.objectContaining({ key: 'live', kind: 'live' })]),
      stageMap: { live: testShow({ title: 'for fans' }) },
      segment: 'fans',
      reason: 'because of fans',
      quiet: { from: expect.any(Number), until: expect.any(Number) },
      spreadMs: 900_000,
    });
    const etag = response.headers.get('etag') ?? '';
    const again = await get('fight-1/prefetch?member=Account:a&device=tv', { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    expect(again.headers.get('cache-control')).toBe('private, max-age=3600');
  });

  it.each([
    ['of no event', 'other/prefetch?member=Account:a&device=tv', 404, 'LIVE_EVENT_UNKNOWN'],
    ['of nobody', 'fight-1/prefetch?device=tv', 400, 'INVALID_MEMBER'],
    ['for a device of no kind', 'fight-1/prefetch?member=Account:a&device=fridge', 400, 'BAD_USER_INPUT'],
    ['elsewhere', 'fight-1/other', 404, 'NOT_FOUND'],
    ['of an id that is none', `${'x'.repeat(65)}/prefetch`, 404, 'NOT_FOUND'],
  ])('is refused %s', async (_name, path, status, code) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
  });

  it('is refused to a page of another site, and by another method', async () => {
    const path = 'fight-1/prefetch?member=Account:a&device=tv';
    expect((await get(path, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const posted = await fetch(`${server.url}/live/events/${path}`, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET']);
  });

  it('is refused by name of an event whose audience was deleted', async () => {
    await using over = await openFans();
    const given = await openPrefetches(over);
    const its = await startPrefetchApi(over, given);
    const { audience } = must(over.events.get('fight-1'), 'it is there');
    expect(await over.audiences.audiences.delete(must(audience, 'it has one'))).toBe(true);
    const response = await fetch(`${its.url}/live/events/fight-1/prefetch?member=Account:a&device=tv`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'AUDIENCE_UNKNOWN' } }] });
    await its.close();
    await given.close();
  });

  it('says when to come again while there is nothing', async () => {
    await test.planned('{}', 'fight-2');
    const response = await get('fight-2/prefetch?member=Account:a&device=tv');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
  });
});

describe('liveEvent in GraphQL', () => {
  it('gives a device what it is to show, and why', async () => {
    const answer = await query(`prefetch(member: "Account:a", device: TV) {
      notModified version ttlMs segment reason stageMap stages { key startsAt } quiet { from until } json
      why { path condition holdsNow found }
    }`);
    expect(answer).toMatchObject({
      data: {
        liveEvent: {
          prefetch: {
            notModified: false,
            version: 1,
            segment: 'fans',
            stageMap: { live: { title: 'for fans' } },
            json: { stageMap: { live: { title: 'for fans' } }, expiresAt: test.clock.now() + 3_600_000 },
            why: [{ path: '', holdsNow: true, found: { occurrences: 1 } }],
          },
        },
      },
    });
    const rest = await query('prefetch(member: "Account:b", device: WEB) { segment why { path } }');
    expect(rest).toEqual({ data: { liveEvent: { prefetch: { segment: 'rest', why: [] } } } });
  });

  it('gives a device its connection', async () => {
    expect(await query('connection(member: "Account:a", device: "d1") { url token }')).toEqual({
      data: {
        liveEvent: {
          connection: {
            url: 'wss://live.example/live/socket?event=fight-1',
            token: `signed ${JSON.stringify({
              event: 'fight-1',
              member: 'Account:a',
              device: 'd1',
              expiresAtMs: test.clock.now() + 57_000,
            })}`,
          },
        },
      },
    });
    for (const [member, device, code] of [
      ['a', 'd1', 'INVALID_MEMBER'],
      ['Account:a', 'd 1', 'INVALID_DEVICE'],
    ])
      expect(await query(`connection(member: "${member}", device: "${device}") { url }`)).toMatchObject({
        errors: [{ extensions: { code } }],
      });
  });

  it('says how far stage maps and prefetches are', async () => {
    expect(
      await query(`materialization {
        state version members payloads segments { key reason members } bytes { perMember } following { moved }
      }
      prefetchCoverage { share members total atRisk isEnough segments { key members total } }
      refreshCurve(minutes: 120, points: 2) { at perSecond }`),
    ).toMatchObject({
      data: {
        liveEvent: {
          materialization: { state: 'READY', version: '1.0', members: 4, payloads: 2 },
          prefetchCoverage: { share: 0.5, members: 2, total: 4, segments: [{ key: 'fans', members: 1 }, {}] },
          refreshCurve: [{ perSecond: expect.any(Number) }, {}],
        },
      },
    });
    expect(await query('refreshCurve(minutes: 0) { at }')).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    });
  });

  it('has stage maps made anew when it is asked to', async () => {
    const { text } = await ask(server, 'mutation { materializeLiveEvent(id: "fight-1") { state version } }');
    expect(JSON.parse(text)).toEqual({
      data: { materializeLiveEvent: { state: 'WAITING', version: '1.0' } },
    });
    const other = await ask(server, 'mutation { materializeLiveEvent(id: "other") { state } }');
    expect(JSON.parse(other.text)).toMatchObject({
      errors: [{ extensions: { code: 'LIVE_EVENT_UNKNOWN' } }],
    });
  });
});

describe('who may', () => {
  const token = (subject: string, ...scopes: string[]) => ({ ...callerWith(scopes), subject });

  it('fetch: a device for its own member, and for others only whoever may read them', () => {
    expect(refusesPrefetch(token('Account:a', 'live.device'), 'Account:a')).toBeNull();
    expect(refusesPrefetch(token('Account:a', 'live.device'), 'Account:b')).toContain('live.devices');
    expect(refusesPrefetch(token('Account:a', 'live.device', 'live.read'), 'Account:b')).toContain(
      'live.devices',
    );
    expect(refusesPrefetch(token('x', 'live.devices'), 'Account:b')).toBeNull();
    expect(refusesPrefetch(token('Account:a', 'live.read'), 'Account:a')).toContain('live.device');
    expect(refusesPrefetch(null, 'Account:a')).not.toBeNull();
  });

  it('see what is counted over everybody: no device', () => {
    const asks = (...scopes: string[]) => refusesCounts({ caller: token('x', ...scopes), grant: null });
    expect(asks('live.read')).toBeNull();
    expect(asks('live.device')).toContain('live.read');
  });
});
