import { join } from 'node:path';
import { type Attack, attacks, refusalFault } from '../test/hostile/attacks.ts';
import { prepareApiData } from './api/api-data.ts';
import type { ApiTarget } from './api/api-target.ts';
import { generateLoad } from './api/generator.ts';
import { legitimateBodies } from './api/legitimate.ts';
import type { LoadReport } from './api/load.ts';
import { ourQuestions } from './api/our-questions.ts';
import { startProductTarget } from './api/product-target.ts';
import { lookbackMs } from './api/questions.ts';
import type { BenchContext, Benchmark, Figures } from './benchmark.ts';
import { Histogram } from './histogram.ts';

const legitimate = 100;
/** What `npm run bench -- hostile` fails beyond: the median of one kind's refusals, and how long anybody waits for the event loop. */
const refusedMsMax = 50;
const stallMsMax = 100;
/** A question that costs nothing: how late it is answered is how long the server's event loop was held, and the client's way. */
const probe = ['{"query":"{__typename}","extensions":{"account":"', '"}}'] as const;

interface Work {
  readonly events: number;
  /** Of each attack, alone. */
  readonly repeats: number;
  /** In which the legitimate queries are asked, evenly. */
  readonly seconds: number;
  readonly probesPerSecond: number;
}

function workOf({ quick, events }: BenchContext): Work {
  return quick
    ? { events: events ?? 10_000, repeats: 3, seconds: 2, probesPerSecond: 100 }
    : { events: events ?? 200_000, repeats: 20, seconds: 10, probesPerSecond: 200 };
}

async function launch({ host, port }: ApiTarget, attack: Attack): Promise<number> {
  const { method, search, headers, body } = attack;
  const beganMs = performance.now();
  const response = await fetch(`http://${host}:${port}/graphql${search}`, { method, headers, body });
  const text = await response.text();
  const tookMs = performance.now() - beganMs;
  const fault = refusalFault(attack, response.status, text);
  if (fault !== null) throw new Error(`${attack.name} is not refused: ${fault}`);
  return tookMs;
}

interface Timed {
  readonly name: string;
  readonly ms: number;
}

interface Refused {
  /** The kind with the largest median. */
  readonly slowest: Timed;
  readonly worst: Timed;
}

/** One after the other, nothing beside them. */
async function alone(context: BenchContext, target: ApiTarget, { repeats }: Work): Promise<Refused> {
  let slowest: Timed = { name: 'none', ms: 0 };
  let worst = slowest;
  for (const attack of attacks) {
    const times = new Histogram();
    for (let i = 0; i < repeats; i++) times.record(await launch(target, attack));
    const medianMs = times.quantile(0.5);
    if (medianMs > 10) context.log(`${attack.name}: refused in ${medianMs.toFixed(1)} ms`);
    if (medianMs > slowest.ms) slowest = { name: attack.name, ms: medianMs };
    if (times.max > worst.ms) worst = { name: attack.name, ms: times.max };
  }
  return { slowest, worst };
}

interface Beside {
  readonly honest: LoadReport;
  readonly probed: LoadReport;
}

function honestLoad(
  { seed }: BenchContext,
  target: ApiTarget,
  accounts: number,
  work: Work,
): Promise<Beside> {
  const order = {
    host: target.host,
    port: target.port,
    accounts,
    seed,
    seconds: work.seconds,
    connections: 8,
  };
  const [body, ...more] = legitimateBodies(target.questions);
  const perSecond = legitimate / work.seconds;
  // It is to wait for every answer.
  const waitingMax = work.seconds * work.probesPerSecond;
  return Promise.all([
    generateLoad({ ...order, body, more, perSecond, waitingMax }),
    generateLoad({ ...order, body: probe, perSecond: work.probesPerSecond, waitingMax }),
  ]).then(([honest, probed]) => ({ honest, probed }));
}

interface UnderAttack extends Beside {
  readonly launched: number;
  readonly refused: Histogram;
}

/** All attacks again and again, one under way at any time, until the honest have their answers. */
async function underAttack(
  context: BenchContext,
  target: ApiTarget,
  accounts: number,
  work: Work,
): Promise<UnderAttack> {
  const refused = new Histogram();
  const state = { over: false };
  const beside = honestLoad(context, target, accounts, work).finally(() => {
    state.over = true;
  });
  do {
    for (const attack of attacks) refused.record(await launch(target, attack));
  } while (!state.over);
  return { ...(await beside), launched: refused.count, refused };
}

async function run(context: BenchContext): Promise<Figures> {
  const work = workOf(context);
  const folder = context.keptFolder ?? join(context.tempDir, 'data');
  const data = await prepareApiData({ folder, events: work.events, seed: context.seed, log: context.log });
  const { accounts } = data.data.facts.shape;
  const target = await startProductTarget(data, ourQuestions(Date.now() - lookbackMs), [
    '--api.federation',
    'true',
  ]);
  try {
    context.log('warming up');
    for (const attack of attacks) await launch(target, attack);
    await honestLoad(context, target, accounts, work);
    context.log('without attacks');
    const quiet = await honestLoad(context, target, accounts, work);
    context.log(`${attacks.length} attacks alone`);
    const refused = await alone(context, target, work);
    context.log(`${legitimate} legitimate queries beside them`);
    const attacked = await underAttack(context, target, accounts, work);
    checkBounds(refused, attacked);
    return figures(quiet, refused, attacked);
  } finally {
    await target.close();
  }
}

/** @throws Error that says what was too slow, or was not answered. */
function checkBounds({ slowest, worst }: Refused, { honest, probed, refused }: UnderAttack): void {
  const tell = ({ name, ms }: Timed): string => `${ms.toFixed(1)} ms: ${name}`;
  const stall = `${probed.maxMs.toFixed(1)} ms`;
  const faults = [
    ...(slowest.ms > refusedMsMax
      ? [`a kind is refused in more than ${refusedMsMax} ms (median; ${tell(slowest)})`]
      : []),
    ...(probed.maxMs > stallMsMax ? [`the server was held for more than ${stallMsMax} ms (${stall})`] : []),
    ...(honest.errors > 0
      ? [`${honest.errors} of ${honest.sent} legitimate queries failed (${honest.firstError})`]
      : []),
  ];
  if (faults.length === 0) return;
  const worstOnes = `the worst single refusal took ${tell(worst)}, beside others ${refused.max.toFixed(1)} ms; the longest stall was ${stall}`;
  throw new Error(`${faults.join('; ')}; ${worstOnes}`);
}

function figures(quiet: Beside, refused: Refused, attacked: UnderAttack): Figures {
  const ms = (value: number): { readonly value: number; readonly unit: string } => ({ value, unit: 'ms' });
  return {
    'hostile.attacks': { value: attacks.length, unit: 'kinds' },
    'hostile.refused.slowestMs': ms(refused.slowest.ms),
    'hostile.refused.worstMs': ms(refused.worst.ms),
    'hostile.underAttack.launched': { value: attacked.launched, unit: 'attacks' },
    'hostile.underAttack.refused.p99ms': ms(attacked.refused.quantile(0.99)),
    'hostile.underAttack.refused.worstMs': ms(attacked.refused.max),
    'hostile.underAttack.stallMs': ms(attacked.probed.maxMs),
    'hostile.quiet.stallMs': ms(quiet.probed.maxMs),
    'hostile.legitimate.answered': { value: attacked.honest.answered, unit: `of ${legitimate}` },
    'hostile.legitimate.p50ms': ms(attacked.honest.p50Ms),
    'hostile.legitimate.maxMs': ms(attacked.honest.maxMs),
    'hostile.quiet.legitimate.maxMs': ms(quiet.honest.maxMs),
    'hostile.probe.errors': { value: attacked.probed.errors, unit: 'requests' },
  };
}

const hostile: Benchmark = {
  name: 'hostile',
  description:
    'Hostile requests over HTTP: how soon each is refused (the slowest kind by its median, and the worst single one), and how long ' +
    `the server is held while they come one after the other and ${legitimate} legitimate queries (journeys, connections, traversals, shared neighbours, estimates of audiences, entities) are asked beside them. It fails when a request is not refused, a kind's median is above ${refusedMsMax} ms, a stall is above ${stallMsMax} ms, or a legitimate query is refused.`,
  notMeasured: [
    'many attackers at once: one attack is under way at any time',
    'sockets: slow bodies, connections that are held open',
    'stallMs is seen from outside: how late a question that costs nothing is answered, the way of the client and the other processes of the machine included',
  ],
  run,
};

export default hostile;
