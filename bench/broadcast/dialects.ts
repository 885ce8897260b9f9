import { liveSocketPath, liveSubprotocol, tokenSubprotocolPrefix } from '../../device/index.ts';
import type { DeviceTokens } from '../../live-events/index.ts';
import { clientFrame, opcodes } from './frames.ts';

export const targetNames = ['gateway', 'raw', 'nats', 'mosquitto', 'socketio'] as const;
export type TargetName = (typeof targetNames)[number];

/** What every message is about, whatever it is called there. */
export const topic = 'fight-1';
/** Shorter ones are greetings' and heartbeats'. */
const broadcastBytesMin = 60;

/** How a client of one kind of server connects, subscribes, and tells what it is sent. */
export interface Dialect {
  /** Path and further header lines of the upgrade. */
  upgrade(client: number): Promise<{ readonly path: string; readonly headers: readonly string[] }>;
  /** Sent once the upgrade is answered. */
  readonly first: Buffer | null;
  /** Answer to a message before it is subscribed; `done`: it is. */
  greet(payload: Buffer): Buffer | 'done' | null;
  /** Answer to a message that is no broadcast; null for none. */
  heartbeat(payload: Buffer): Buffer | null;
  /** What each message begins with, where one frame may hold several, and heartbeats among them; null where it never does. */
  readonly mixes: string | null;
}

export function isBroadcast(payloadBytes: number): boolean {
  return payloadBytes >= broadcastBytesMin;
}

const none: Dialect = {
  upgrade: async () => ({ path: '/', headers: [] }),
  first: null,
  greet: () => 'done',
  heartbeat: () => null,
  mixes: null,
};

function gateway(tokens: DeviceTokens, expiresAtMs: number): Dialect {
  return {
    ...none,
    upgrade: async (client) => {
      const claims = { event: topic, member: `Account:a${client}`, device: 'tv', expiresAtMs };
      const token = await tokens.sign(claims);
      const protocols = `${liveSubprotocol}, ${tokenSubprotocolPrefix}${token}`;
      return { path: `${liveSocketPath}?event=${topic}`, headers: [`Sec-WebSocket-Protocol: ${protocols}`] };
    },
  };
}

/** It greets as the gateway does, with a message of its own. */
const raw: Dialect = none;

const natsConnect = `CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1","protocol":1}\r\nSUB ${topic} 1\r\nPING\r\n`;
const nats: Dialect = {
  ...none,
  first: clientFrame(opcodes.binary, natsConnect),
  greet: (payload) => (payload.includes('PONG') ? 'done' : null),
  heartbeat: (payload) => (payload.includes('PING') ? clientFrame(opcodes.binary, 'PONG\r\n') : null),
  mixes: 'MSG ',
};

const mqttTopic = Buffer.from(topic);
/** Without a keep-alive, and a session that is forgotten with its connection. */
function mqttConnect(): Buffer {
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 0]);
  return Buffer.concat([Buffer.from([0x10, head.length]), head]);
}
export function mqttPublish(message: string): Buffer {
  const body = Buffer.concat([Buffer.from([0, mqttTopic.length]), mqttTopic, Buffer.from(message)]);
  const length = body.length < 128 ? [body.length] : [(body.length % 128) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([0x30, ...length]), body]);
}
const mqttSubscribe = Buffer.concat([
  Buffer.from([0x82, mqttTopic.length + 5, 0, 1, 0, mqttTopic.length]),
  mqttTopic,
  Buffer.from([0]),
]);
const mosquitto: Dialect = {
  ...none,
  upgrade: async () => ({ path: '/mqtt', headers: ['Sec-WebSocket-Protocol: mqtt'] }),
  first: clientFrame(opcodes.binary, mqttConnect()),
  greet: (payload) => {
    if (payload[0] === 0x20) return clientFrame(opcodes.binary, mqttSubscribe);
    return payload[0] === 0x90 ? 'done' : null;
  },
};
export const mqttConnectPacket: Buffer = mqttConnect();

const socketio: Dialect = {
  ...none,
  upgrade: async () => ({ path: '/socket.io/?EIO=4&transport=websocket', headers: [] }),
  greet: (payload) => {
    const text = payload.toString();
    if (text.startsWith('0{')) return clientFrame(opcodes.text, '40');
    return text.startsWith('40') ? 'done' : null;
  },
  heartbeat: (payload) => (payload.toString() === '2' ? clientFrame(opcodes.text, '3') : null),
};

export function dialectOf(name: TargetName, tokens: DeviceTokens, expiresAtMs: number): Dialect {
  if (name === 'gateway') return gateway(tokens, expiresAtMs);
  return { raw, nats, mosquitto, socketio }[name];
}

/** The messages of a frame that may hold several, each with what comes behind it. */
export function* partsOf(payload: Buffer, mark: string): Generator<Buffer> {
  let start = payload.indexOf(mark);
  while (start >= 0) {
    const next = payload.indexOf(mark, start + mark.length);
    yield payload.subarray(start, next < 0 ? payload.length : next);
    start = next;
  }
}

/** The broadcast inside a server's message, whatever stands around it. */
export function unwrap(payload: Buffer): unknown {
  const start = payload.indexOf('{"type"');
  const end = payload.lastIndexOf('}') + 1;
  if (start < 0 || end < start) throw new Error(`no broadcast: ${payload.toString('utf8', 0, 200)}`);
  return JSON.parse(payload.toString('utf8', start, end));
}
