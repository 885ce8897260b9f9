import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactoryArgs } from 'kafkajs';
import { OutageError } from '../foundation/index.ts';
import { hasPlace, type MemberStage, memberFrame } from './kafka-member-frame.ts';

/** As kafkajs has it where nothing is said. */
const keepAliveDelayMs = 60_000;

/** Where to connect. In spite of its type, kafkajs gives null for the options of TLS where there is none. */
type SocketPlace = Omit<ISocketFactoryArgs, 'ssl'> & {
  readonly ssl: ISocketFactoryArgs['ssl'] | null;
};

/**
 * One session of a static member (KIP-345). kafkajs has a place for `group.instance.id` in its protocol and none in its interface, but it
 * documents that one may make its sockets: on these its requests are given the name. It writes each request as one chunk.
 */
export class StaticMember {
  readonly #instanceId: string;
  readonly #refused: (error: unknown) => void;
  readonly #open = new Set<Socket>();
  #stage: MemberStage = 'joining';
  #isDestroyed = false;

  /** @param refused told of a request that was not sent, since it would say the wrong thing; its connection is closed. */
  constructor(instanceId: string, refused: (error: unknown) => void) {
    this.#instanceId = instanceId;
    this.#refused = refused;
  }

  /** The session is over: it joins no more, and leaves its place in the group for the next one, unless it is leaving. */
  stop(): void {
    if (this.#stage !== 'leaving') this.#stage = 'stopping';
  }

  #named(frame: Uint8Array): Uint8Array {
    const named = memberFrame(frame, this.#instanceId, this.#stage);
    if (this.#stage === 'joining' && hasPlace(frame)) this.#stage = 'joined';
    return named;
  }

  /** The session is over, and its place is given up when its consumer stops. */
  leave(): void {
    this.#stage = 'leaving';
  }

  /**
   * What is still under way shall not arrive behind the next session's join, which it would fence. Nothing is opened from then on.
   *
   * @param why for who still waits for an answer; null where nobody does, since kafkajs logs it
   */
  destroy(why: Error | null): void {
    this.#isDestroyed = true;
    for (const socket of this.#open) socket.destroy(why ?? undefined);
  }

  /** For a client of this session alone: with any other, strangers would speak in its name. */
  readonly sockets = (place: SocketPlace): Socket => {
    const socket = openSocket(place);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    if (this.#isDestroyed)
      socket.destroy(new OutageError('KAFKA_UNAVAILABLE', 'A session that is over connects no more.'));
    const write = socket.write.bind(socket);
    socket.write = (
      chunk: Uint8Array | string,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      written?: (error?: Error | null) => void,
    ): boolean => {
      let sent = chunk;
      try {
        if (typeof chunk !== 'string') sent = this.#named(chunk);
      } catch (error) {
        this.#refused(error);
        // Not thrown: kafkajs would wait for an answer to what it counts as sent, and some of its writes are timers' work.
        socket.destroy(error instanceof Error ? error : undefined);
        return false;
      }
      return typeof encoding === 'function'
        ? write(sent, undefined, encoding)
        : write(sent, encoding, written);
    };
    return socket;
  };
}

/** As kafkajs's own factory does, which it does not export. */
function openSocket({ host, port, ssl, onConnect }: SocketPlace): Socket {
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket =
    ssl === null
      ? connect({ host, port }, onConnect)
      : connectTls({ host, port, ...name, ...ssl }, onConnect);
  socket.setKeepAlive(true, keepAliveDelayMs);
  return socket;
}
