import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { freePorts } from '../../test/services/free-port.ts';
import { GuardedProcess } from '../../test/services/guarded-process.ts';
import { mqttConnectPacket, mqttPublish, type TargetName, topic } from './dialects.ts';
import { type Core, OwnProcess, pinned } from './pinned.ts';
import { findMosquitto, findNats, findSocketIo } from './rival-programs.ts';
import type { ServerNote, ServerOrder } from './server-note.ts';

/** A server that sends what it is told to everybody. */
export interface BroadcastTarget {
  readonly name: TargetName;
  readonly pid: number;
  /** Of the WebSocket. */
  readonly port: number;
  publish(text: string): void;
  /** Gives back what it does not need, where it can be asked to. */
  collect(): Promise<void>;
  close(): Promise<void>;
}

export type Start = (folder: string, core: Core) => Promise<BroadcastTarget>;

const readyTimeoutMs = 30_000;

const programs = {
  gateway: './gateway-process.ts',
  raw: './raw-process.ts',
  socketio: './socketio-process.ts',
} as const;

export function startOwn(name: keyof typeof programs, flags: readonly string[] = []): Start {
  return async (_folder, core) => {
    const [port = 0] = await freePorts(1);
    const program = programs[name];
    const server = OwnProcess.start<ServerOrder, ServerNote>(program, String(port), core, flags);
    await server.note('listening');
    return {
      name,
      pid: server.pid,
      port,
      publish: (text) => server.tell({ kind: 'broadcast', text }),
      collect: async () => {
        const collected = server.note('collected');
        server.tell({ kind: 'collect' });
        await collected;
      },
      close: () => server.stop(),
    };
  };
}

export const startNats: Start = async (folder, core) => {
  const [port = 0, publishPort = 0] = await freePorts(2);
  const config = `listen: "127.0.0.1:${publishPort}"\nwebsocket { listen: "127.0.0.1:${port}", no_tls: true, compression: false }\n`;
  return await startProgram('nats', findNats(), folder, core, {
    config,
    args: (file) => ['-c', file],
    port,
    publishPort,
    hello: `CONNECT {"verbose":false,"pedantic":false,"lang":"bench","version":"1","protocol":1}\r\n`,
    encode: (text) => `PUB ${topic} ${Buffer.byteLength(text)}\r\n${text}\r\n`,
  });
};

export const startMosquitto: Start = async (folder, core) => {
  const [port = 0, publishPort = 0] = await freePorts(2);
  const config = [
    `listener ${publishPort} 127.0.0.1`,
    'protocol mqtt',
    `listener ${port} 127.0.0.1`,
    'protocol websockets',
    'allow_anonymous true',
    'log_type error',
    // As the others: a message leaves at once.
    'set_tcp_nodelay true',
    '',
  ].join('\n');
  return await startProgram('mosquitto', findMosquitto(), folder, core, {
    config,
    args: (file) => ['-c', file],
    port,
    publishPort,
    hello: mqttConnectPacket,
    encode: mqttPublish,
  });
};

interface Program {
  readonly config: string;
  readonly args: (configFile: string) => readonly string[];
  readonly port: number;
  /** Without WebSocket: that is how its own clients publish. */
  readonly publishPort: number;
  readonly hello: string | Buffer;
  readonly encode: (text: string) => string | Buffer;
}

async function startProgram(
  name: 'nats' | 'mosquitto',
  found: ReturnType<typeof findNats>,
  folder: string,
  core: Core,
  { config, args, port, publishPort, hello, encode }: Program,
): Promise<BroadcastTarget> {
  if ('lacking' in found) throw new Error(found.lacking);
  const home = join(folder, name);
  await mkdir(home, { recursive: true });
  const file = join(home, 'server.conf');
  await writeFile(file, config);
  const [first = '', ...rest] = pinned(core, [found.path, ...args(file)]);
  const server = GuardedProcess.start({
    title: name,
    file: first,
    args: rest,
    temporaryDirectory: home,
    logFile: join(home, 'process.log'),
  });
  try {
    await server.ready(() => accepts(port), readyTimeoutMs);
    const publisher = await dial(publishPort);
    // What it says to a publisher is of no interest; a heartbeat comes less often than a run lasts.
    publisher.resume().on('error', () => undefined);
    publisher.write(hello);
    return {
      name,
      pid: server.pid,
      port,
      publish: (text) => publisher.write(encode(text)),
      collect: async () => undefined,
      close: async () => {
        publisher.destroy();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

async function accepts(port: number): Promise<boolean> {
  (await dial(port)).destroy();
  return true;
}

/** Rivals by name, and how to get those that are not there. */
export const rivals: readonly {
  readonly name: TargetName;
  readonly find: () => ReturnType<typeof findNats>;
  readonly start: Start;
}[] = [
  { name: 'nats', find: findNats, start: startNats },
  { name: 'mosquitto', find: findMosquitto, start: startMosquitto },
  { name: 'socketio', find: findSocketIo, start: startOwn('socketio') },
];
