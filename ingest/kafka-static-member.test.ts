import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JourneyGraphError, must } from '../foundation/index.ts';
import { StaticMember } from './kafka-static-member.ts';

let server: Server;
const received: Buffer[] = [];

beforeEach(async () => {
  received.length = 0;
  server = createServer((socket) => {
    socket.on('data', (bytes) => received.push(bytes));
    // What is refused resets the connection.
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await once(server, 'close');
});

/** A heartbeat of group `g` and member `m`, without a client id. */
function heartbeat(instance: string): Buffer {
  const name = instance === '' ? 'ffff' : `0006${Buffer.from(instance).toString('hex')}`;
  const body = `000c000300000007ffff0001670000000400016d${name}`;
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length / 2);
  return Buffer.concat([size, Buffer.from(body, 'hex')]);
}

/** A join of group `g` without a member, without a client id. */
function join(): Buffer {
  const asked = '000b000500000007ffff00016700000006000000060000ffff';
  const behind = '0008636f6e73756d657200000000';
  const body = Buffer.from(asked + behind, 'hex');
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** A question of group `g` and member `m` for its assignment. */
function sync(): Buffer {
  const body = Buffer.from('000e000300000007ffff0001670000000400016dffff00000000', 'hex');
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

function portOf(): number {
  const address = server.address();
  if (typeof address !== 'object') throw new Error('a port expected');
  return must(address, 'it listens').port;
}

async function open(member: StaticMember): Promise<Socket> {
  const port = portOf();
  const connected = Promise.withResolvers<void>();
  const socket = member.sockets({ host: '127.0.0.1', port, ssl: null, onConnect: connected.resolve });
  await connected.promise;
  return socket;
}

it('names the instance in what a client writes, and leaves all else alone', async () => {
  const socket = await open(new StaticMember('pod-01', () => undefined));
  const written = Promise.withResolvers<void>();
  socket.write(heartbeat(''), 'binary');
  socket.write('text');
  socket.write(Buffer.from('bytes'), () => written.resolve());
  await written.promise;
  socket.end();
  await once(socket, 'close');
  const expected = Buffer.concat([heartbeat('pod-01'), Buffer.from('textbytes')]);
  expect(Buffer.concat(received).toString('hex')).toBe(expected.toString('hex'));
});

it('sends nothing of what it refuses, closes the connection and tells', async () => {
  const refused: unknown[] = [];
  const socket = await open(new StaticMember('pod-01', (error) => refused.push(error)));
  const failed = once(socket, 'error');
  const older = heartbeat('');
  older.writeInt16BE(2, 6);
  expect(socket.write(older, 'binary')).toBe(false);
  const [error] = await failed;
  expect(error).toMatchObject({ code: 'KAFKA_INSTANCE_UNSUPPORTED' });
  expect(refused).toEqual([error]);
  expect(error).toBeInstanceOf(JourneyGraphError);
  expect(received).toEqual([]);
});

it('asks for a place in the group until it has one, and then no more, on whichever connection', async () => {
  const refused: unknown[] = [];
  const member = new StaticMember('pod-01', (error) => refused.push(error));
  const [first, second] = [await open(member), await open(member)];
  const written = Promise.withResolvers<void>();
  first.write(join());
  first.write(join());
  first.write(sync(), () => written.resolve());
  await written.promise;
  const failed = once(second, 'error');
  expect(second.write(join())).toBe(false);
  const [error] = await failed;
  expect(error).toMatchObject({ code: 'KAFKA_UNAVAILABLE', reaction: 'outage' });
  expect(refused).toEqual([error]);
  first.end();
  await once(first, 'close');
  expect(Buffer.concat(received).toString('latin1').split('pod-01')).toHaveLength(4);
});

it('says why it closes a connection that waits for an answer, and opens none from then on', async () => {
  const member = new StaticMember('pod-01', () => undefined);
  const socket = await open(member);
  const failed = once(socket, 'error');
  const why = new Error('over');
  member.destroy(why);
  expect(await failed).toEqual([why]);
  const late = member.sockets({ host: '127.0.0.1', port: portOf(), ssl: null, onConnect: () => undefined });
  const [error] = await once(late, 'error');
  expect(error).toMatchObject({ code: 'KAFKA_UNAVAILABLE' });
});

it('closes each connection that is still open', async () => {
  const member = new StaticMember('pod-01', () => undefined);
  const sockets = [await open(member), await open(member)];
  const closed = sockets.map((socket) => once(socket, 'close'));
  member.destroy(null);
  await Promise.all(closed);
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
});
