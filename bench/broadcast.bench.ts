import { must } from '../foundation/index.ts';
import type { BenchContext, Benchmark, Figure, Figures } from './benchmark.ts';
import { defaultGatewayLimits } from './broadcast/default-gateway-limits.ts';
import { socketsMax } from './broadcast/machine-meter.ts';
import {
  type BroadcastWork,
  type Measured,
  measureBroadcast,
  type Placing,
} from './broadcast/measure-broadcast.ts';
import { measureCoverage } from './broadcast/measure-coverage.ts';
import { rivals, startOwn } from './broadcast/targets.ts';

const socketsWanted = 19_000;
const quickSockets = 1000;
const broadcastsDefault = 100;
/** Of the raw limit and the gateway; the one in the middle is what is reported. */
const pairsOfRaw = 3;
const serverCore = 0;
const clientCore = 1;

function workOf({ quick, events }: BenchContext): BroadcastWork {
  const sockets = Math.min(quick ? quickSockets : socketsWanted, socketsMax());
  const broadcasts = events ?? broadcastsDefault;
  return quick
    ? { sockets, warmUps: 3, broadcasts: 10, everyMs: 150, settleMs: 3000, idleMs: 500, acknowledges: false }
    : {
        sockets,
        warmUps: Math.min(12, broadcasts),
        broadcasts,
        everyMs: 1000,
        settleMs: 10_000,
        idleMs: 15_000,
        acknowledges: false,
      };
}

const figure = (value: number, unit: string): Figure => ({ value, unit });

function figuresOf(name: string, measured: Measured): Figures {
  const { t50, t99, t100, kernelBytesPerSocket } = measured;
  return {
    [`${name}.sockets`]: figure(measured.sockets, 'sockets'),
    [`${name}.deliveriesPerSecond`]: figure(measured.deliveriesPerSecond, 'deliveries/s'),
    [`${name}.T50.p50ms`]: figure(t50.p50Ms, 'ms'),
    [`${name}.T99.p50ms`]: figure(t99.p50Ms, 'ms'),
    [`${name}.T100.p50ms`]: figure(t100.p50Ms, 'ms'),
    [`${name}.T100.p99ms`]: figure(t100.p99Ms, 'ms'),
    [`${name}.T100.maxMs`]: figure(t100.maxMs, 'ms'),
    [`${name}.cpuMicrosPerDelivery`]: figure(measured.cpuMicrosPerDelivery, 'µs'),
    [`${name}.cpuMicrosPerConnect`]: figure(measured.cpuMicrosPerConnect, 'µs'),
    [`${name}.connectsPerSecond`]: figure(measured.connectsPerSecond, 'connects/s'),
    [`${name}.idleCores`]: figure(measured.idleCores, 'cores'),
    [`${name}.clientCores`]: figure(measured.clientCores, 'cores'),
    [`${name}.bytesPerSocket`]: figure(measured.bytesPerSocket, 'bytes'),
    ...(kernelBytesPerSocket === null
      ? {}
      : { [`${name}.kernelBytesPerSocket`]: figure(kernelBytesPerSocket, 'bytes') }),
    [`${name}.collapsed`]: figure(measured.collapsed, 'deliveries'),
    [`${name}.lateMs`]: figure(measured.lateMs, 'ms'),
    [`${name}.lost`]: figure(measured.lost, 'deliveries'),
  };
}

/** A ping and its answer; what else a gateway does when nothing is published is among it. */
function perHeartbeat({ idleCores, sockets }: Measured): number {
  // Each ping comes up to a quarter earlier.
  const heartbeatsPerSecond = (sockets * 1000) / (defaultGatewayLimits().pingMs * 0.875);
  return (idleCores * 1e6) / heartbeatsPerSecond;
}

/** One that is not there, or does not work here, is named and left out: what was measured before it is not lost for that. */
async function measureRivals(context: BenchContext, work: BroadcastWork, placing: Placing): Promise<Figures> {
  let figures: Figures = {};
  for (const { name, find, start } of rivals) {
    const found = find();
    try {
      if ('lacking' in found) throw new Error(found.lacking);
      context.log(`${name}: ${work.sockets} sockets`);
      figures = { ...figures, ...figuresOf(name, await measureBroadcast([start], work, placing)) };
    } catch (error) {
      context.log(`SKIPPED ${name}: ${error instanceof Error ? error.message : String(error)}`);
      figures = { ...figures, [`${name}.skipped`]: figure(1, 'times') };
    }
  }
  return figures;
}

interface RawPair {
  readonly raw: Measured;
  readonly gateway: Measured;
  readonly ratio: number;
}

/**
 * The raw limit and the gateway in turns, each time in new processes: the machine's speed drifts, and where a process's memory happens to lie makes up to a fifth.
 * In order of their ratios.
 */
async function measurePairs(
  context: BenchContext,
  work: BroadcastWork,
  placing: Placing,
): Promise<readonly RawPair[]> {
  const pairs: RawPair[] = [];
  for (let nth = 1; nth <= (context.quick ? 1 : pairsOfRaw); nth += 1) {
    const raw = await measureBroadcast([startOwn('raw')], work, placing);
    const gateway = await measureBroadcast([startOwn('gateway')], work, placing);
    const ratio = gateway.deliveriesPerSecond / raw.deliveriesPerSecond;
    pairs.push({ raw, gateway, ratio });
    context.log(
      `pair ${nth}, ${work.sockets} sockets: raw ${Math.round(raw.deliveriesPerSecond)} deliveries/s, gateway ${Math.round(gateway.deliveriesPerSecond)}, ${ratio.toFixed(3)} of it`,
    );
  }
  return pairs.toSorted((one, other) => one.ratio - other.ratio);
}

async function run(context: BenchContext): Promise<Figures> {
  const work = workOf(context);
  const placing = { folder: context.tempDir, serverCore, clientCore };
  if (!context.quick && work.sockets < socketsWanted)
    context.log(`only ${work.sockets} sockets: a process may not open more files here`);
  const pairs = await measurePairs(context, work, placing);
  const { raw, gateway, ratio } = must(pairs[Math.floor(pairs.length / 2)], 'a pair was measured');
  const others = await measureRivals(context, work, placing);
  context.log('the gateway, each broadcast acknowledged by its devices');
  const acknowledged = await measureBroadcast(
    [startOwn('gateway')],
    { ...work, acknowledges: true },
    placing,
  );
  context.log(`two gateways: ${2 * work.sockets} sockets`);
  const two = await measureBroadcast([startOwn('gateway'), startOwn('gateway')], work, {
    folder: context.tempDir,
    serverCore: null,
    clientCore: null,
  });
  context.log('coverage');
  const coverage = await measureCoverage(context.tempDir, context.quick ? 20_000 : 80_000);
  return {
    ...figuresOf('gateway', gateway),
    ratioToRaw: figure(ratio, 'times'),
    'ratioToRaw.min': figure(must(pairs[0], 'a pair was measured').ratio, 'times'),
    'ratioToRaw.max': figure(must(pairs.at(-1), 'a pair was measured').ratio, 'times'),
    'T100.p50ms': figure(gateway.t100.p50Ms, 'ms'),
    cpuMicrosPerDelivery: figure(gateway.cpuMicrosPerDelivery, 'µs'),
    'gateway.cpuMicrosPerHeartbeat': figure(perHeartbeat(gateway), 'µs'),
    ...figuresOf('raw', raw),
    ...others,
    ...figuresOf('acknowledged', acknowledged),
    ...figuresOf('twoGateways', two),
    'coverage.cpuMicrosPerFirst': figure(coverage.cpuMicrosPerFirst, 'µs'),
    'coverage.cpuMicrosPerDelivery': figure(coverage.cpuMicrosPerDelivery, 'µs'),
  };
}

const broadcast: Benchmark = {
  name: 'broadcast',
  description:
    'One message to 19,000 sockets of one gateway, open loop, timed from the intended moment; beside the same frame written to as many plain sockets (three pairs in turns), nats-server and ' +
    'mosquitto over WebSocket, and Socket.IO; then with acknowledgements, and two gateways with 38,000.',
  notMeasured: [
    'TLS, a network card, round trips, loss, radios: it is all loopback, where the sender is charged for most of what receiving costs in the kernel',
    'clients that read slowly, come or go: nobody does',
    'two servers on two cores: where there are two gateways, four processes share the cores with each other',
    'heartbeats of rivals: what each needs when nothing is published is taken off; it stands beside it as idleCores',
    'coverage beside it: the gateway reports its deliveries, and adding them up is measured alone',
  ],
  run,
};

export default broadcast;
