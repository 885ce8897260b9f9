import type { Broadcast } from '../../device/index.ts';
import { topic } from './dialects.ts';
import { benchEpoch, firstSequence } from './swarm.ts';

/** The same message for all, of some 115 bytes. */
export function broadcastText(nth: number, at: number): string {
  const broadcast: Broadcast = {
    type: 'broadcast',
    event: topic,
    epoch: benchEpoch,
    sequence: nth + firstSequence,
    version: 1,
    stage: 'live',
    at: Math.round(at),
  };
  return JSON.stringify(broadcast);
}
