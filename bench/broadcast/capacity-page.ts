import { countText } from '../../foundation/index.ts';
import { routerLimitsDefault } from '../../live-events/index.ts';
import type { Figures } from '../benchmark.ts';
import { defaultGatewayLimits } from './default-gateway-limits.ts';
import { constantsOf, coresFor, type Fleet, type FleetGoal, fleetOf } from './fleet.ts';

export const computedBegin =
  '<!-- computed from bench/results/broadcast.json: node bench/broadcast/write-capacity.ts -->';
export const computedEnd = '<!-- end of what is computed -->';

export const goal: FleetGoal = {
  devices: 100_000_000,
  withinMs: 60_000,
  pingMs: defaultGatewayLimits().pingMs,
  arrivalMs: 1_800_000,
};
/** Netflix's target for a node of Pushy, and what one holds on average. */
const published = [60_000, 200_000];

interface Result {
  readonly date: string;
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly figures: Figures;
}

/** What docs/capacity.md has between its two marks. */
export function computedPart(result: Result): string {
  const { date, commit, machine } = result;
  return [
    computedBegin,
    '',
    `Measured on ${date.slice(0, 10)} with ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, commit ${commit}.`,
    '',
    ...constantsTable(result.figures),
    '',
    ...fleetTable(result.figures),
    '',
    ...workTable(result.figures),
    '',
    computedEnd,
  ].join('\n');
}

/** The page with its computed part put in anew. Throws when it has no place for it. */
export function withComputedPart(page: string, part: string): string {
  const begin = page.indexOf(computedBegin);
  const end = page.indexOf(computedEnd);
  if (begin < 0 || end < begin) throw new Error('docs/capacity.md has lost the marks of its computed part');
  return page.slice(0, begin) + part + page.slice(end + computedEnd.length);
}

function constantsTable(figures: Figures): readonly string[] {
  const names = [
    'gateway.sockets',
    'gateway.deliveriesPerSecond',
    'raw.deliveriesPerSecond',
    'ratioToRaw',
    'T100.p50ms',
    'cpuMicrosPerDelivery',
    'acknowledged.cpuMicrosPerDelivery',
    'gateway.cpuMicrosPerHeartbeat',
    'gateway.cpuMicrosPerConnect',
    'coverage.cpuMicrosPerFirst',
    'coverage.cpuMicrosPerDelivery',
    'gateway.bytesPerSocket',
    'gateway.kernelBytesPerSocket',
  ];
  return [
    '| constant | value | |',
    '| --- | ---: | --- |',
    ...names.flatMap((name) => {
      const found = figures[name];
      return found === undefined ? [] : [`| \`${name}\` | ${digits(found.value)} | ${found.unit} |`];
    }),
  ];
}

function fleetTable(figures: Figures): readonly string[] {
  const constants = constantsOf(figures);
  const fleets = [constants.sockets, ...published].map((sockets) => fleetOf(constants, goal, sockets));
  const row = (what: string, show: (fleet: Fleet) => string): string =>
    `| ${what} | ${fleets.map(show).join(' | ')} |`;
  return [
    row('sockets of a gateway', ({ socketsPerGateway }) => countText(socketsPerGateway)),
    `| --- |${' ---: |'.repeat(fleets.length)}`,
    row('', ({ socketsPerGateway }) => (socketsPerGateway === constants.sockets ? 'measured' : 'reckoned')),
    row('gateways, a core each', ({ gateways }) => countText(gateways)),
    row(
      "memory of one, with the kernel's",
      ({ memoryBytesPerGateway }) => `${digits(memoryBytesPerGateway / 2 ** 20)} MiB`,
    ),
    row('its last device has a broadcast after', ({ t100Ms }) => `${digits(t100Ms / 1000)} s`),
    row('within the minute', ({ isInTime }) => (isInTime ? 'yes' : 'no')),
    row('its core busy with heartbeats', ({ heartbeatShare }) => percent(heartbeatShare)),
    row('busy with arrivals, all within half an hour', ({ arrivalShare }) => percent(arrivalShare)),
    row('one dies: the others are busy for', ({ deathShare }) => `${digits(deathShare * 1000)} ms`),
  ];
}

function workTable(figures: Figures): readonly string[] {
  const constants = constantsOf(figures);
  const { devices, withinMs, pingMs, arrivalMs } = goal;
  const gateways = Math.ceil(devices / constants.sockets);
  const routers = Math.ceil(gateways / routerLimitsDefault.gatewaysMax);
  const rows: readonly (readonly [string, string, number])[] = [
    ['one broadcast', 'within the minute', coresFor(devices, constants.cpuMicrosPerDelivery, withinMs)],
    [
      'and its acknowledgements',
      'within the minute',
      coresFor(devices, constants.cpuMicrosPerAcknowledged, withinMs),
    ],
    [
      'coverage: who was sent it, who applied it',
      'within the minute',
      coresFor(devices, constants.cpuMicrosPerCountedFirst + constants.cpuMicrosPerCounted, withinMs),
    ],
    ['heartbeats', 'all the time', coresFor(devices, constants.cpuMicrosPerHeartbeat, pingMs)],
    ['everybody arrives', 'within half an hour', coresFor(devices, constants.cpuMicrosPerConnect, arrivalMs)],
    ['everybody comes back', 'within the minute', coresFor(devices, constants.cpuMicrosPerConnect, withinMs)],
  ];
  return [
    "| of all 100 million | | cores' worth |",
    '| --- | --- | ---: |',
    ...rows.map(([what, when, cores]) => `| ${what} | ${when} | ${digits(cores)} |`),
    '',
    `${countText(gateways)} gateways are more than one router holds (\`gatewaysMax\`, ${countText(routerLimitsDefault.gatewaysMax)}): ${routers} routers, each of which writes a broadcast to its own.`,
  ];
}

/** Three digits that count. */
function digits(value: number): string {
  return value >= 100 ? countText(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${digits(share * 100)} %`;
}
