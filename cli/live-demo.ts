import { LiveDemo, type LiveDemoCommands, liveDemoTimesDefault } from '../demo/index.ts';
import { assert, OutageError } from '../foundation/index.ts';
import type { Asking } from '../live-events/index.ts';
import { readConditionJson } from '../query-api/index.ts';
import type { CommandIo } from './command-io.ts';
import type { Composition } from './composition.ts';

const asking: Asking = { actor: 'demo', reason: null, expectedVersion: null };
const audienceName = 'Members of the live demo';
const audienceMs = 30_000;
/** Whoever has watched anything. */
const where = { did: { edge: 'WATCHED', to: { type: 'Title' } } };
const over: ReadonlySet<string> = new Set(['ended', 'replay', 'cancelled']);

/** A live event every few minutes, in the process that owns their journal. */
export function createLiveDemo(composition: Composition, lookbackMs: number, io: CommandIo): LiveDemo {
  const { clock, random } = io;
  const live = composition.live.service;
  const commands: LiveDemoCommands = {
    audience: () => audienceOf(composition, lookbackMs, io),
    create: async ({ id, ...event }) => {
      await live.run(id, { kind: 'create', ...event }, asking);
    },
    list: () => live.list().map(({ id, stageKind }) => ({ id, isOver: over.has(stageKind) })),
    remove: (id) => live.remove(id, { ...asking, reason: 'over, and newer ones can be looked at' }),
  };
  return new LiveDemo({ commands, clock, random, times: liveDemoTimesDefault });
}

/** The one that is there, also of an earlier start; else a new one. Throws OutageError DEMO_AUDIENCE_EMPTY while nobody has watched anything yet. */
async function audienceOf(
  { audiences, store, mappings }: Composition,
  lookbackMs: number,
  { clock }: CommandIo,
): Promise<string> {
  for (const one of audiences.list())
    if (one.state === 'READY' && one.row.name === audienceName && one.row.size > 0) return one.row.id;
  const context = { nowMs: clock.now(), lookbackMs, schema: mappings.graphSchema() };
  const read = readConditionJson('where', where, context);
  assert(read.kind === 'condition', 'the demo knows how conditions are written');
  const definition = { memberType: 'Account', where: read.condition };
  const begun = audiences.freeze(store, {
    name: audienceName,
    key: `live-demo-${context.nowMs}`,
    definition,
    askedBy: 'demo',
  });
  const id = begun.state === 'READY' ? begun.row.id : begun.id;
  const made = await audiences.settled(id, audienceMs);
  if (made?.state === 'READY' && made.row.size > 0) return made.row.id;
  await audiences.delete(id);
  throw new OutageError(
    'DEMO_AUDIENCE_EMPTY',
    'Nobody of the demo has watched anything yet; it is tried again.',
  );
}
