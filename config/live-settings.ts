import { dayMs, MiB, type SettingSpec } from './setting-spec.ts';

/** Of live events. */
export const liveSettings = {
  'live.broadcasts.topic': {
    section: 'live',
    kind: 'text',
    default: 'journey-graph.live.broadcasts',
    description: 'Topic of Kafka that broadcasts go through; made when it is missing.',
  },
  'live.subscriptions.topic': {
    section: 'live',
    kind: 'text',
    default: 'journey-graph.live.subscriptions',
    description:
      'Compacted topic of Kafka that says which gateway has devices of which event; made when it is missing.',
  },
  'live.allowed.origins': {
    section: 'live',
    kind: 'list',
    default: [],
    description:
      'Origins of web pages, such as `https://app.example.com`, whose browsers may open a device socket. Pages of this server may in any case; devices that are no browsers send none.',
  },
  'live.url': {
    section: 'live',
    kind: 'text',
    default: null,
    form: 'url',
    description:
      'Address under which devices reach the gateways, such as a load balancer’s; not set: the one that they asked.',
  },
  'live.pools': {
    section: 'live',
    kind: 'list',
    default: [],
    description:
      'Pools of their own for events, each as `EVENT=SHARE`, of the requests that this process works on at once, or `EVENT=URL`, of servers that its devices are sent to; `EVENT` may end with `*`.',
  },
  'live.token.key.file': {
    section: 'live',
    kind: 'text',
    default: null,
    description:
      'File of the 32 bytes that device tokens are signed and checked with; not set: `live/token.key` in `data`, made at the first start.',
  },
  'live.gateway.key.file': {
    section: 'live',
    kind: 'text',
    default: null,
    description:
      'File of the 32 bytes that a `jg gateway` shows its router; not set: `live/gateway.key` in `data`, made at the first start.',
  },
  'live.token.ms': {
    section: 'live',
    kind: 'number',
    unit: 'ms',
    default: 7_200_000,
    min: 60_000,
    max: 30 * dayMs,
    description:
      'How long a device’s token is valid at most; up to a tenth less, by chance, so that not all end at once. Then its socket is closed, and it asks for another.',
  },
  'live.sockets.max': {
    section: 'live',
    kind: 'number',
    unit: 'sockets',
    default: 20_000,
    min: 1,
    max: 1_000_000,
    description: 'Sockets of devices at this process; the limit on open files must allow them.',
  },
  'live.connects.per.second': {
    section: 'live',
    kind: 'number',
    unit: 'per second',
    default: 1000,
    min: 1,
    max: 100_000,
    description: 'New sockets; those beyond are told when to come back.',
  },
  'live.socket.buffer.bytes': {
    section: 'live',
    kind: 'number',
    unit: 'bytes',
    default: 65_536,
    min: 1024,
    max: 16 * MiB,
    description: 'What may wait to be read by one device before its socket is closed as too slow.',
  },
  'live.socket.lifetime.ms': {
    section: 'live',
    kind: 'number',
    unit: 'ms',
    default: 1_800_000,
    min: 60_000,
    max: dayMs,
    description:
      'After it, less a random sixth, a device connects again, so that devices spread over gateways.',
  },
  'live.ping.ms': {
    section: 'live',
    kind: 'number',
    unit: 'ms',
    default: 25_000,
    min: 1000,
    max: 600_000,
    description: 'Between two heartbeats of a socket; two that stay unanswered close it.',
  },
  'live.drain.ms': {
    section: 'live',
    kind: 'number',
    unit: 'ms',
    default: 3000,
    min: 0,
    max: 300_000,
    description:
      'Over how long a process that stops sends its devices away: at most half of `shutdown.timeout.ms`, of which it is a part. The default gives way to that half.',
  },
} as const satisfies Record<string, SettingSpec>;
