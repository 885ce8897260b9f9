import {
  type CoverageTracker,
  type Gateway,
  type LiveProducer,
  type Router,
  requestClassesOf,
} from '../live-events/index.ts';
import type { ExtensionMetric } from '../query-api/index.ts';
import type { Traffic } from './traffic.ts';

export interface LiveMetricsParts {
  readonly gateway: Gateway;
  readonly router: Router;
  readonly producer: LiveProducer;
  readonly coverage: CoverageTracker;
  readonly traffic: Traffic;
}

const prefix = 'journey_graph_live_';

/** What an operator watches during an event. No label holds what a caller makes up. */
export function liveMetrics({
  gateway,
  router,
  producer,
  coverage,
  traffic,
}: LiveMetricsParts): readonly ExtensionMetric[] {
  const { metrics } = gateway;
  return [
    plain('gauge', 'sockets', 'Sockets of devices at this process.', () => metrics.sockets),
    plain('gauge', 'gateways', 'Gateways that this router has, its own included.', () => {
      return router.gateways.attached.length;
    }),
    plain('gauge', 'unpublished_events', 'Events of which something is journaled and not sent yet.', () => {
      return producer.status.unpublishedCount;
    }),
    plain(
      'counter',
      'broadcasts_sent_total',
      'Broadcasts by socket that they were written to.',
      () => metrics.sent,
    ),
    plain('counter', 'applied_total', 'Broadcasts that a device said it shows.', () => metrics.applied),
    plain('counter', 'lost_deliveries_total', 'Reported deliveries that coverage could not count.', () => {
      return coverage.lostDeliveries;
    }),
    plain('gauge', 'unbegun_coverage', 'Broadcasts whose coverage could not begin yet.', () => {
      return coverage.unbegunBroadcasts;
    }),
    byLabel('connects_refused_total', 'Connects that were refused, by code.', 'code', () => metrics.refused),
    byLabel(
      'sockets_closed_total',
      'Sockets that the gateway closed, by close code.',
      'code',
      () => metrics.closed,
    ),
    byLabel(
      'resyncs_total',
      'Devices whose cursor could not be served, by reason.',
      'reason',
      () => metrics.resyncs,
    ),
    ...trafficMetrics(traffic),
  ];
}

function trafficMetrics(traffic: Traffic): readonly ExtensionMetric[] {
  const requests: ExtensionMetric['read'] = () =>
    requestClassesOf(traffic.state()).flatMap(({ requestClass, admitted, refused }) => [
      { labels: { class: requestClass, result: 'admitted' }, value: admitted },
      ...Object.entries(refused).map(([reason, value]) => {
        return { labels: { class: requestClass, result: reason }, value };
      }),
    ]);
  return [
    {
      kind: 'counter',
      name: 'journey_graph_traffic_requests_total',
      help: 'Requests by class: admitted, or refused by rule, load or limit.',
      labelNames: ['class', 'result'],
      read: requests,
    },
    {
      kind: 'gauge',
      name: 'journey_graph_traffic_overload',
      help: '0: none; 1: nothing can be taken.',
      labelNames: [],
      read: () => [{ labels: {}, value: traffic.state()?.overload ?? 0 }],
    },
  ];
}

function plain(kind: 'gauge' | 'counter', name: string, help: string, read: () => number): ExtensionMetric {
  return {
    kind,
    name: `${prefix}${name}`,
    help,
    labelNames: [],
    read: () => [{ labels: {}, value: read() }],
  };
}

function byLabel(
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
): ExtensionMetric {
  return {
    kind: 'counter',
    name: `${prefix}${name}`,
    help,
    labelNames: [label],
    read: () => Object.entries(read()).map(([key, value]) => ({ labels: { [label]: key }, value })),
  };
}
