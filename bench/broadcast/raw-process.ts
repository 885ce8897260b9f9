import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { serverFrame } from './frames.ts';
import { serveOrders } from './server-note.ts';

/** What the machine can do at most from Node: one frame, one buffer, one write a socket, nothing else. */
const sockets: Socket[] = [];
const greeting = serverFrame('{"type":"welcome"}');
const port = Number(process.argv[2]);

function accept(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (request) => {
    const key = /^sec-websocket-key: *(\S+)/im.exec(request.toString('latin1'))?.[1] ?? '';
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept(key)}\r\n\r\n`,
    );
    socket.write(greeting);
    sockets.push(socket);
    socket.resume();
  });
});
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () =>
  serveOrders(port, (text) => {
    const frame = serverFrame(text);
    for (const socket of sockets) socket.write(frame);
  }),
);
