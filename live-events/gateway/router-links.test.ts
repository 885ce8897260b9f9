import { describe, expect, it } from 'vitest';
import { type Broadcast, noCursor } from '../../device/index.ts';
import { OutageError } from '../../foundation/index.ts';
import type { DeliveryReport } from '../ports.ts';
import { FakeRouterLink } from './router-link.fake.ts';
import { type DialingLink, RouterLinks } from './router-links.ts';

const event = 'fight-1';
const state: Broadcast = {
  type: 'broadcast',
  event,
  epoch: 1_000,
  sequence: 7,
  version: 1,
  stage: 'live',
  at: 0,
};
const report: DeliveryReport = {
  gateway: 'gateway-1',
  event,
  epoch: 1_000,
  sequence: 7,
  sent: [],
  applied: [],
  dropped: [],
};

class FakeDialingLink extends FakeRouterLink implements DialingLink {
  connected = true;

  close(): void {
    this.connected = false;
  }

  /** As a router that starts again, or is cut off. */
  leave(): void {
    this.connected = false;
    this.state = async () => {
      throw new OutageError('LIVE_ROUTER_UNREACHABLE', 'It is away.');
    };
  }
}

function routers(): {
  readonly owner: FakeDialingLink;
  readonly stranger: FakeDialingLink;
  readonly links: RouterLinks;
  readonly gone: string[];
} {
  const owner = new FakeDialingLink(async () => state);
  const stranger = new FakeDialingLink(async () => null);
  // The stranger is the first: that is whom everything would go to.
  const links = new RouterLinks([stranger, owner]);
  const gone: string[] = [];
  links.listen({ broadcast: () => undefined, gone: (id) => void gone.push(id) });
  owner.answer = async () => ({ kind: 'broadcasts', broadcasts: [state] });
  stranger.answer = async () => ({ kind: 'resync', reason: 'EPOCH' });
  return { owner, stranger, links, gone };
}

const unreachable = { code: 'LIVE_ROUTER_UNREACHABLE' };

describe('an event that one of two routers has', () => {
  it('is asked for and reported there, and not where it is of another life', async () => {
    const { owner, stranger, links } = routers();
    await links.subscribe(event, noCursor);
    expect(await links.history(event, noCursor)).toEqual({ kind: 'broadcasts', broadcasts: [state] });
    links.report(report);
    expect([owner.reports, stranger.reports]).toEqual([[report], []]);
    owner.leave();
    await expect(links.history(event, noCursor)).rejects.toMatchObject(unreachable);
    expect(stranger.asked).toEqual([`subscribe ${event}`]);
  });

  it('is asked for and reported nowhere else either while the other has not said whether it has it', async () => {
    const { owner, stranger, links } = routers();
    stranger.state = () => new Promise(() => undefined);
    await links.subscribe(event, noCursor);
    expect(await links.history(event, noCursor)).toMatchObject({ kind: 'broadcasts' });
    links.report(report);
    expect([owner.reports, stranger.reports]).toEqual([[report], []]);
  });

  it('is not gone for whoever asks while that one is away, but when it says so itself', async () => {
    const { owner, links } = routers();
    const is = owner.state;
    owner.leave();
    await expect(links.subscribe(event, noCursor)).rejects.toMatchObject(unreachable);
    owner.connected = true;
    owner.state = is;
    expect(await links.subscribe(event, noCursor)).toEqual(state);
    owner.leave();
    await expect(links.subscribe(event, state)).rejects.toMatchObject(unreachable);
    owner.connected = true;
    owner.state = async () => null;
    expect(await links.subscribe(event, state)).toBe(null);
  });

  it('is not gone when the other one is told anew, while that one is away, that it is not there', async () => {
    const { owner, stranger, links, gone } = routers();
    await links.subscribe(event, noCursor);
    owner.leave();
    stranger.listener.gone(event);
    expect(gone).toEqual([]);
    owner.connected = true;
    owner.listener.broadcast(state);
    expect(gone).toEqual([]);
    owner.listener.gone(event);
    expect(gone).toEqual([event]);
  });

  it('is asked for nowhere any more once it is gone, however that was heard of', async () => {
    const { owner, stranger, links } = routers();
    await links.subscribe(event, noCursor);
    owner.listener.gone(event);
    const asked = [`subscribe ${event}`, `unsubscribe ${event}`];
    expect([owner.asked, stranger.asked]).toEqual([asked, asked]);
    owner.state = async () => null;
    expect(await links.subscribe(event, noCursor)).toBe(null);
    expect([owner.asked, stranger.asked]).toEqual([
      [...asked, ...asked],
      [...asked, ...asked],
    ]);
  });

  it('that is subscribed once more while an answer says that it is gone stays subscribed', async () => {
    const { owner, stranger, links } = routers();
    await links.subscribe(event, noCursor);
    const late = Promise.withResolvers<Broadcast | null>();
    owner.state = () => late.promise;
    const before = links.subscribe(event, state);
    owner.listener.gone(event);
    owner.state = async () => state;
    const anew = links.subscribe(event, noCursor);
    late.resolve(null);
    expect([await before, await anew]).toEqual([null, state]);
    expect(owner.asked.at(-1)).toBe(`subscribe ${event}`);
    expect(stranger.asked.at(-1)).toBe(`subscribe ${event}`);
    expect(await links.history(event, noCursor)).toMatchObject({ kind: 'broadcasts' });
  });

  it.each([
    ['first', [1, 0]],
    ['last', [0, 1]],
  ] as const)(
    'is gone when it, as the %s, says that it was removed, though a third router cannot be asked',
    async (_name, order) => {
      const { owner, stranger } = routers();
      const away = new FakeDialingLink(async () => null);
      away.leave();
      const links = new RouterLinks([stranger, owner, away]);
      const gone: string[] = [];
      links.listen({ broadcast: () => undefined, gone: (id) => void gone.push(id) });
      stranger.state = () => new Promise(() => undefined);
      await links.subscribe(event, noCursor);
      const [first, last] = order.map((index) => [stranger, owner][index]);
      first?.listener.gone(event);
      expect(gone).toEqual([]);
      last?.listener.gone(event);
      expect(gone).toEqual([event]);
    },
  );
});
