import { countText } from '../../foundation/index.ts';
import { predictLoad } from './fleet-model.ts';
import { type Html, html } from './html.ts';
import type { RehearsalResult } from './rehearsal-result.ts';
import { reportStyle } from './report-style.ts';
import type { Fault } from './scenario.ts';
import { type PlotMark, plotFigure } from './svg-plot.ts';
import { broadcastName, durationText, percent, type Verdict } from './verdict.ts';

/** What nobody should read into a rehearsal. */
export const notModelled: readonly string[] = [
  'TLS: its handshakes cost CPU at each connect, its records a little at each delivery',
  'networks between gateway and device: delays of radios, loss, bytes, regions; a delivery counts when it is written',
  'the broker between producer and gateways: the way there is one constant, and it never fails',
  'memory, garbage collection and files of the machines, and anything else that runs on them',
  'the gradient limit: servers shed by CPU alone, with the same curve and waits as the real ones',
  'what users do: they come at a steady rate, and those refused do not come again',
];

/** One page that holds everything it needs: no script, nothing fetched. */
export function renderReport(result: RehearsalResult, verdict: Verdict): string {
  const { scenario, seed, hash, constants, totals } = result;
  const each = scenario.devices / scenario.devicesSimulated;
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${scenario.name}: ${verdict.passed ? 'passed' : 'failed'}</title><style>${{ markup: reportStyle }}</style></head>
<body><main>
<h1>${scenario.name}</h1>
<p>${countText(scenario.devices)} devices${each > 1 ? `, each simulated one for ${Number(each.toPrecision(3))}` : ''}, ${countText(scenario.fleet.gateways)} gateways, ${durationText(scenario.durationMs)} of virtual time, ${countText(totals.events)} events. Seed ${seed}, trace <code>${hash}</code>: the same seed gives the same trace.</p>
<div class="verdict ${verdict.passed ? 'good' : 'bad'}">${verdict.passed ? 'The plan holds' : 'The plan does not hold'}</div>
${constants.isPlaceholder ? html`<p class="no">The cost of a device is not measured here: ${constants.source}.</p>` : html`<p>What a device costs: ${constants.source}.</p>`}
<h2>Against the plan</h2>${checksTable(verdict)}
<h2>Over time</h2><p>Dotted lines: grey where a stage begins, red for a change of the schedule or a fault; each says what it is.</p><div class="plots">${plots(result)}</div>
<h2>Broadcasts</h2>${broadcastsTable(result)}
<h2>Faults</h2>${faultsTable(result)}
<h2>Constants</h2><p>${constants.source}</p>${constantsTable(result)}
<h2>Not modelled</h2><ul>${notModelled.map((sentence) => html`<li>${sentence}</li>`)}</ul>
</main></body></html>
`;
  return page.markup;
}

function checksTable({ checks }: Verdict): Html {
  if (checks.length === 0) return html`<p>The scenario names no targets.</p>`;
  const rows = checks.map(
    ({ name, passed, target, actual, where }) =>
      html`<tr><td class="${passed ? 'ok' : 'no'}">${passed ? '✓ passed' : '✗ failed'}</td><td>${name}</td><td>${target}</td><td>${actual}</td><td>${where ?? ''}</td></tr>`,
  );
  return html`<div class="card wide"><table><tr><th></th><th>what</th><th>plan</th><th>came to</th><th>where</th></tr>${rows}</table></div>`;
}

function plots(result: RehearsalResult): readonly Html[] {
  const { series, scenario, totals } = result;
  const { values, shed, bucketMs } = series;
  const common = {
    bucketMs,
    durationMs: scenario.durationMs,
    marks: marksOf(result),
    bound: null,
    isShare: false,
  };
  const { fleet, prefetch, durationMs } = scenario;
  const demand = { ...scenario, ttlMs: prefetch.ttlMs };
  const model = predictLoad(demand, fleet, result.constants, Math.ceil(durationMs / bucketMs));
  const perSecond = `a second, over ${durationText(bucketMs)}`;
  return [
    plotFigure({ ...common, title: 'Arrivals and connects', unit: perSecond, lines: [
      { label: 'connects', colour: 1, values: values.connects, filled: true },
      { label: 'arrivals', colour: 2, values: values.arrivals },
      { label: 'connects by the model, without faults', colour: 4, values: model.map((point) => point.connectsPerSecond) },
      { label: 'refused', colour: 5, values: values.connectsRefused },
    ] }),
    plotFigure({ ...common, title: 'Connected devices', unit: 'at the peak of a bucket', lines: [
      { label: 'connected', colour: 3, values: values.connected, filled: true },
    ] }),
    plotFigure({ ...common, title: 'Prefetches', unit: perSecond, lines: [
      { label: 'answered', colour: 1, values: values.prefetches, filled: true },
      { label: 'for a new schedule', colour: 4, values: values.versionRefreshes },
    ] }),
    plotFigure({ ...common, title: 'Expirations', unit: `${perSecond}; ${countText(totals.quietRefreshes)} in the quiet window`, lines: [
      { label: 'expired', colour: 2, values: values.expirations, filled: true },
    ] }),
    plotFigure({ ...common, title: 'Deliveries', unit: perSecond, lines: [
      { label: 'delivered', colour: 3, values: values.deliveries, filled: true },
    ] }),
    plotFigure({ ...common, title: 'CPU', unit: 'of all cores of its kind', isShare: true, bound: scenario.targets.gatewayCpuMax, lines: [
      { label: 'busiest gateway', colour: 5, values: values.gatewayCpuMax },
      { label: 'gateways', colour: 1, values: values.gatewayCpuMean, filled: true },
      { label: 'servers', colour: 2, values: values.serverCpu },
    ] }),
    plotFigure({ ...common, title: 'Shed by class', unit: `requests refused ${perSecond}`, lines: [
      { label: 'prefetch', colour: 4, values: shed.prefetch, filled: true },
      { label: 'user', colour: 5, values: shed.user },
      { label: 'live-critical (connects)', colour: 2, values: shed['live-critical'] },
      { label: 'bulk', colour: 3, values: shed.bulk },
    ] }),
  ]; // biome-ignore format: one plot after the other
}

function marksOf({ broadcasts, scenario }: RehearsalResult): readonly PlotMark[] {
  const said = broadcasts.map((broadcast): PlotMark => {
    const kind = broadcast.cause === 'stage' ? 'stage' : 'fault';
    return { atMs: broadcast.atMs, label: broadcastName(broadcast), kind };
  });
  const faults = scenario.faults.flatMap((fault): PlotMark[] =>
    fault.kind === 'late-start' || fault.kind === 'schedule-moved'
      ? []
      : [{ atMs: fault.atMs, label: faultText(fault), kind: 'fault' }],
  );
  return [...said, ...faults];
}

function broadcastsTable({ broadcasts }: RehearsalResult): Html {
  const time = (ms: number | null): string => (ms === null ? '–' : durationText(ms));
  const rows = broadcasts.map((broadcast) => {
    const { atMs, version, devices, superseded, missing, caughtUp, t50Ms, t99Ms, t100Ms } = broadcast;
    const numbers = [
      time(t50Ms),
      time(t99Ms),
      time(t100Ms),
      countText(devices),
      countText(caughtUp),
      countText(superseded),
      countText(missing),
    ];
    return html`<tr><td>${durationText(atMs)}</td><td>${broadcastName(broadcast)}</td><td class="n">${version}</td>${numbers.map((text) => html`<td class="n">${text}</td>`)}</tr>`;
  });
  const heads = ['T50', 'T99', 'T100', 'connected', 'caught up later', 'superseded', 'missing'];
  return html`<div class="card wide"><table><tr><th>at</th><th>broadcast</th><th class="n">version</th>${heads.map((head) => html`<th class="n">${head}</th>`)}</tr>${rows}</table></div>`;
}

function faultsTable({ scenario, recoveries }: RehearsalResult): Html {
  if (scenario.faults.length === 0) return html`<p>None.</p>`;
  const rows = scenario.faults.map((fault) => {
    const recovery = recoveries.find((candidate) => candidate.fault === fault);
    const lost = recovery === undefined ? '' : `${countText(recovery.lost)} lost their connection`;
    const back = recovery === undefined ? '' : recovery.tookMs === null ? 'not all came back' : `all back after ${durationText(recovery.tookMs)}`; // biome-ignore format: one row
    return html`<tr><td>${faultText(fault)}</td><td>${lost}</td><td>${back}</td></tr>`;
  });
  return html`<div class="card wide"><table>${rows}</table></div>`;
}

function faultText(fault: Fault): string {
  switch (fault.kind) {
    case 'gateway-killed':
      return `${durationText(fault.atMs)}: gateway ${fault.gateway} is killed, and back after ${durationText(fault.downMs)}`;
    case 'connections-lost':
      return `${durationText(fault.atMs)}: ${percent(fault.share)} of the connections break`;
    case 'schedule-moved':
      return `${durationText(fault.atMs)}: the schedule is moved by ${fault.byMs < 0 ? '-' : ''}${durationText(Math.abs(fault.byMs))}`;
    case 'late-start':
      return `${fault.stage} starts ${durationText(fault.byMs)} late`;
    case 'user-rush':
      return `${durationText(fault.atMs)}: users come ${fault.factor} times as fast for ${durationText(fault.lastsMs)}`;
  }
}

function constantsTable({ constants }: RehearsalResult): Html {
  const rows = Object.entries(constants).flatMap(([name, value]) =>
    typeof value === 'number' ? [html`<tr><td>${name}</td><td class="n">${countText(value)}</td></tr>`] : [],
  );
  return html`<div class="card wide"><table>${rows}</table></div>`;
}
