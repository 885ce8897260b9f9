import { createServer } from 'node:http';
import { type Broadcast, readServerMessage } from '../../device/index.ts';
import { must, silentLog, steadyTime, systemClock } from '../../foundation/index.ts';
import {
  Gateway,
  InProcessLink,
  type LiveEvent,
  MemorySubscriptionTable,
  Router,
  routerLimitsDefault,
  SubscriptionLog,
} from '../../live-events/index.ts';
import { benchTokens } from './bench-tokens.ts';
import { defaultGatewayLimits } from './default-gateway-limits.ts';
import { topic } from './dialects.ts';
import { serveOrders } from './server-note.ts';
import { benchEpoch, firstSequence } from './swarm.ts';

const port = Number(process.argv[2]);
/** More than any swarm opens: how many may come, and how fast, is another benchmark. */
const socketsMax = 100_000;

/** What holds; a benchmark's journal is not asked for more. */
let holds: LiveEvent = {
  id: topic,
  title: topic,
  audience: null,
  stages: [],
  stage: 'announced',
  stageKind: 'announced',
  at: Date.now(),
  version: 1,
  epoch: benchEpoch,
  sequence: firstSequence - 1,
  createdMs: Date.now(),
  plan: null,
};

const common = { clock: systemClock, random: Math.random, log: silentLog };
const router = new Router({
  events: { get: () => holds, broadcastsAfter: async () => null },
  subscriptions: new SubscriptionLog({ table: new MemorySubscriptionTable(), ...common }),
  report: () => undefined,
  limits: routerLimitsDefault,
  clock: systemClock,
});
const gateway = new Gateway({
  id: 'gateway-1',
  link: new InProcessLink(router, 'gateway-1', 20_000),
  tokens: await benchTokens(),
  allowedOrigins: new Set(),
  limits: {
    ...defaultGatewayLimits(),
    socketsMax,
    connectsPerSecond: socketsMax,
    connectsBurst: socketsMax,
  },
  steadyMs: steadyTime,
  ...common,
});
gateway.start();
const server = createServer();
server.on('upgrade', (request, connection, head) => {
  if (!gateway.upgrade(request, connection, head)) connection.destroy();
});
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () =>
  serveOrders(port, (text) => {
    const broadcast = broadcastIn(text);
    holds = { ...holds, sequence: broadcast.sequence, stage: broadcast.stage, at: broadcast.at };
    router.broadcast(broadcast);
  }),
);

function broadcastIn(text: string): Broadcast {
  const message = must(readServerMessage(text), 'the benchmark publishes broadcasts');
  if (message.type !== 'broadcast') throw new Error('the benchmark publishes broadcasts');
  return message;
}
