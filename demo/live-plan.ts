import type { Franchise } from './world.ts';

/** What a plan says of one stage; `live-events` checks it as it checks anybody's. */
interface Show {
  readonly title: string;
  readonly subtitle: string;
  readonly artwork: string;
  readonly badge: string;
  readonly placement: string;
  readonly deepLink: string;
  readonly player: 'stay' | 'enter';
  readonly action: string;
}

type Shows = Readonly<Record<'announced' | 'lobby' | 'live' | 'ended', Show>>;

/** Three segments, each invited for its own reason, as JSON. */
export function demoLivePlan(franchise: Franchise): string {
  const { series, game } = franchise;
  const segments = [
    {
      key: 'viewers',
      reason: `watched ${series.name}`,
      where: { did: { edge: 'WATCHED', to: { nodes: [{ type: 'Title', id: series.id }] } } },
      show: showsOf(franchise, `You watched ${series.name}. Now see it happen.`),
    },
    {
      key: 'players',
      reason: `played ${game.name}`,
      where: { did: { edge: 'PLAYED', to: { nodes: [{ type: 'Game', id: game.id }] } } },
      show: showsOf(franchise, `You know it from ${game.name}.`),
    },
    { key: 'everybody', reason: 'everybody else', show: showsOf(franchise, 'Tonight, once, for everyone.') },
  ];
  return JSON.stringify({ outsiders: 'default', segments });
}

function showsOf({ live }: Franchise, invitation: string): Shows {
  const common = {
    title: live.name,
    artwork: 'harbour',
    placement: 'hero',
    deepLink: `/title/${live.titleId ?? live.id}`,
    player: 'stay',
  } as const;
  return {
    announced: { ...common, subtitle: invitation, badge: 'Live soon', action: 'remind me' },
    lobby: { ...common, subtitle: 'The lobby is open.', badge: 'Starting', action: 'stay here' },
    live: { ...common, subtitle: 'On now.', badge: 'Live', player: 'enter', action: 'watch' },
    ended: { ...common, subtitle: 'Thank you for being there.', badge: 'Ended', action: 'what next' },
  };
}
