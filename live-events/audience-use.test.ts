import { expect, it } from 'vitest';
import { must } from '../foundation/index.ts';
import { useOfAudience } from './audience-use.ts';
import { openFans } from './prefetch/prefetch-testing.ts';

it('An audience is needed by the event that names it, and by stage maps of it until those of the next are made, but by nothing that is over', async () => {
  await using test = await openFans();
  const { events, maps } = test;
  const event = must(events.get('fight-1'), 'it is there');
  const first = must(event.audience, 'it has one');
  const frozen = await test.audiences.frozen(test.graph, { kind: 'all', of: [] }, 'next');
  if (frozen.state !== 'READY') throw new Error(frozen.state);
  const next = frozen.row.id;
  const uses = (): readonly (string | null)[] => [first, next].map((one) => useOfAudience(one, events, maps));
  expect(uses()).toEqual(['live event fight-1', null]);
  events.change('audience', { ...event, audience: next });
  expect(uses()).toEqual(['live event fight-1', 'live event fight-1']);
  await maps.turn();
  expect(uses()).toEqual([null, 'live event fight-1']);
  events.change('cancel', { ...event, audience: next, stage: 'cancelled', stageKind: 'cancelled' });
  expect(uses()).toEqual([null, null]);
});
