import type { Random } from '../foundation/index.ts';
import {
  ads,
  type Device,
  films,
  franchises,
  type Game,
  type LiveEvent,
  type Member,
  pick,
  type Title,
} from './world.ts';

/** One event of a member's day: which topic it goes to and its fields apart from `eventId` and `occurredAt`. */
export interface DayEvent {
  /** Since the event before it, milliseconds of the member's own day. */
  readonly afterMs: number;
  readonly topic: string;
  readonly key: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Fields that hold the event's time elsewhere than in `occurredAt`. */
  readonly timed?: (timeMs: number) => Readonly<Record<string, unknown>>;
}

const minute = 60_000;

/**
 * A member's day across six domains: looks for a series and starts it on the phone, goes on with it on the television, sees an
 * ad, rates the series, plays its game on the tablet, is invited to its live event, and perhaps joins.
 */
export function memberDay(member: Member, random: Random): readonly DayEvent[] {
  const { accountId, phone, tv, tablet } = member;
  const franchise = pick(franchises, random);
  const { series, game, live } = franchise;
  const seconds = 300 + Math.floor(random() * 1200);
  const completion = Math.round(random() * 50) / 100;
  const event = (afterMinutes: number, topic: string, fields: Record<string, unknown>): DayEvent => ({
    afterMs: Math.round(afterMinutes * minute * (0.5 + random())),
    topic,
    key: accountId,
    fields: { accountId, ...fields },
  });
  const ad = pick(ads, random);
  const day = [
    event(5, 'identity.account', accountFields(member, random)),
    event(1, 'devices.sign-in', { device: phone, appVersion: '9.4.1', ipCountry: member.country }),
    event(1, 'streaming.search', search(series, random)),
    event(1, 'streaming.playback', started(series, phone, 0, false)),
    event(12, 'streaming.playback-stopped', stopped(series, phone, seconds, completion, 'MOVED')),
    event(25, 'devices.sign-in', { device: tv, appVersion: '9.4.0', ipCountry: member.country }),
    event(1, 'streaming.playback', started(series, tv, seconds * 1000, true)),
    event(9, 'ads.impression', { ad, titleId: series.id, shownMs: 15_000, completed: random() < 0.8 }),
    event(22, 'streaming.playback-stopped', stopped(series, tv, seconds + 1300, 0.98, 'FINISHED')),
    event(1, 'streaming.rating', { title: series, rating: rating(random) }),
    event(4, 'games.launch', { game, device: tablet, cloud: random() < 0.5 }),
    event(18, 'games.session', session(game, random)),
    event(30, 'live.invitation', { liveEvent: { ...live, startsAt: null }, channel: 'HOME_ROW' }),
  ];
  if (random() < 0.1) day.splice(1, 0, event(2, 'identity.profile', profileChange(accountId, random)));
  if (random() < 0.1) day.splice(1, 0, event(1, 'identity.invoice', invoice(member, random)));
  if (random() < 0.3) day.push(event(2, 'ads.click', { ad }));
  if (random() < 0.4) {
    day.push(event(40, 'live.attendance', attendance(live, tv, random)));
    day.push(event(15, 'live.reaction', reactions(live, random)));
  } else {
    const film = pick(films, random);
    day.push(event(50, 'streaming.playback', started(film, tv, 0, false)));
  }
  return day;
}

function accountFields(member: Member, random: Random): Record<string, unknown> {
  return {
    country: member.country,
    plan: member.plan,
    profiles: 1 + Math.floor(random() * 4),
    memberSince: 1_500_000_000n,
  };
}

function search(title: Title, random: Random): Record<string, unknown> {
  const others = films.filter(() => random() < 0.5);
  const results = [title, ...others].map((found, index) => ({ title: found, position: index + 1 }));
  const text = title.name.split(' ')[0] ?? title.name;
  return {
    text: ` ${text}`,
    language: 'en_gb',
    filters: { genre: 'drama' },
    results,
    chosenTitleId: title.id,
  };
}

function rating(random: Random): Record<string, unknown> {
  const scope = 'com.example.streaming.events';
  if (random() < 0.2) return { [`${scope}.Stars`]: { stars: 3 + Math.floor(random() * 3) } };
  return { [`${scope}.Thumb`]: { direction: random() < 0.8 ? 'UP' : 'DOWN' } };
}

function session(game: Game, random: Random): Record<string, unknown> {
  const unlockedAt = 1_700_000_000_000_000n;
  const achievements = random() < 0.5 ? [{ id: 'first-steps', name: 'First Steps', unlockedAt }] : [];
  return { game, seconds: BigInt(120 + Math.floor(random() * 2400)), achievements };
}

function reactions(live: LiveEvent, random: Random): Record<string, unknown> {
  const sent = { cheer: 1 + Math.floor(random() * 20), ...(random() < 0.2 ? { boo: 1 } : {}) };
  return { liveEvent: { ...live, startsAt: null }, reactions: sent, stage: 'live' };
}

function profileChange(accountId: string, random: Random): Record<string, unknown> {
  const number = 2 + Math.floor(random() * 3);
  const deleted = random() < 0.1;
  const profile = { id: `${accountId}-p${number}`, language: 'pt_br', maturity: 'KIDS', bornOn: null };
  return { change: deleted ? 'DELETED' : 'CREATED', profile };
}

/** Prices in cents, by plan. */
const prices = { BASIC_WITH_ADS: 599, STANDARD: 1299, PREMIUM: 1899 } as const;

function invoice({ accountId, plan }: Member, random: Random): Record<string, unknown> {
  const amount = Buffer.alloc(2);
  amount.writeInt16BE(prices[plan]);
  const scope = 'com.example.identity.events';
  const card = { [`${scope}.Card`]: { brand: 'Visa', last4: '4242' } };
  const partner = { [`${scope}.Partner`]: { name: 'Fjordnet' } };
  return {
    invoiceId: `inv-${accountId}-${Math.floor(random() * 1e6)}`,
    amount,
    currency: 'eur',
    method: random() < 0.8 ? card : partner,
    plan,
  };
}

function started(
  title: Title,
  device: Device,
  positionMs: number,
  resumed: boolean,
): Record<string, unknown> {
  return { title, device, positionMs: BigInt(positionMs), resumed };
}

function stopped(
  title: Title,
  device: Device,
  seconds: number,
  completion: number,
  reason: string,
): Record<string, unknown> {
  return { title, device, seconds: BigInt(seconds), completion, reason };
}

function attendance(live: object, device: Device, random: Random): Record<string, unknown> {
  const lateBySeconds = random() < 0.3 ? Math.floor(random() * 600) : null;
  return { liveEvent: { ...live, startsAt: null }, device, lateBySeconds };
}
