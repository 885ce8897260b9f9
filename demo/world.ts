import { must, type Random } from '../foundation/index.ts';

export interface Title {
  readonly id: string;
  readonly name: string;
  readonly kind: 'FILM' | 'SERIES' | 'LIVE';
}

export interface Game {
  readonly id: string;
  readonly name: string;
  readonly franchiseTitleId: string | null;
}

export interface LiveEvent {
  readonly id: string;
  readonly name: string;
  readonly titleId: string | null;
}

export interface Ad {
  readonly id: string;
  readonly campaignId: string;
  readonly advertiser: string;
}

export interface Device {
  readonly id: string;
  readonly kind: 'PHONE' | 'TV' | 'TABLET';
  readonly model: string | null;
}

/** One household account with its three screens. */
export interface Member {
  readonly accountId: string;
  readonly country: string;
  readonly plan: 'BASIC_WITH_ADS' | 'STANDARD' | 'PREMIUM';
  readonly phone: Device;
  readonly tv: Device;
  readonly tablet: Device;
}

/** A series with its game and its live event: what makes one member's evening cross the domains. */
export interface Franchise {
  readonly series: Title;
  readonly game: Game;
  readonly live: LiveEvent;
}

export const franchises: readonly Franchise[] = [
  {
    series: { id: 'ti-1001', name: 'Harbour Lights', kind: 'SERIES' },
    game: { id: 'ga-1001', name: 'Harbour Lights: Night Watch', franchiseTitleId: 'ti-1001' },
    live: { id: 'le-1001', name: 'Harbour Lights: The Finale, Live', titleId: 'ti-1001' },
  },
  {
    series: { id: 'ti-1002', name: 'The Cartographers', kind: 'SERIES' },
    game: { id: 'ga-1002', name: 'Mapmaker', franchiseTitleId: 'ti-1002' },
    live: { id: 'le-1002', name: 'The Cartographers: Cast Reunion', titleId: 'ti-1002' },
  },
  {
    series: { id: 'ti-1003', name: 'Round Twelve', kind: 'SERIES' },
    game: { id: 'ga-1003', name: 'Round Twelve Arcade', franchiseTitleId: 'ti-1003' },
    live: { id: 'le-1003', name: 'Title Fight: Okafor against Lindqvist', titleId: 'ti-1003' },
  },
  {
    series: { id: 'ti-1004', name: 'Slow Kitchen', kind: 'SERIES' },
    game: { id: 'ga-1004', name: 'Slow Kitchen Rush Hour', franchiseTitleId: 'ti-1004' },
    live: { id: 'le-1004', name: 'Slow Kitchen: Midsummer Dinner', titleId: 'ti-1004' },
  },
];

export const films: readonly Title[] = [
  { id: 'ti-2001', name: 'A Winter in Tromsø', kind: 'FILM' },
  { id: 'ti-2002', name: 'The Last Ferry', kind: 'FILM' },
  { id: 'ti-2003', name: 'Paper Moons', kind: 'FILM' },
  { id: 'ti-2004', name: 'Nobody’s Orchard', kind: 'FILM' },
];

export const ads: readonly Ad[] = [
  { id: 'ad-1', campaignId: 'ca-spring', advertiser: 'Northwind Bicycles' },
  { id: 'ad-2', campaignId: 'ca-roast', advertiser: 'Third Floor Coffee' },
  { id: 'ad-3', campaignId: 'ca-rail', advertiser: 'Overnight Rail' },
];

const countries = ['SE', 'FR', 'DE', 'BR', 'US', 'JP', 'NG', 'IN'] as const;
const plans = ['BASIC_WITH_ADS', 'STANDARD', 'PREMIUM'] as const;

/** A uniformly chosen element of a list that is not empty. */
export function pick<T>(items: readonly T[], random: Random): T {
  return must(items[Math.floor(random() * items.length)], 'pick from a list that is not empty');
}

/** The member with this number: the same number is always the same account on the same devices. */
export function member(number: number): Member {
  const id = String(number).padStart(6, '0');
  return {
    accountId: `acc-${id}`,
    country: must(countries[number % countries.length], 'countries are not empty'),
    plan: must(plans[number % plans.length], 'plans are not empty'),
    phone: { id: `dev-${id}-phone`, kind: 'PHONE', model: null },
    tv: { id: `dev-${id}-tv`, kind: 'TV', model: 'Living Room 55' },
    tablet: { id: `dev-${id}-tablet`, kind: 'TABLET', model: null },
  };
}
