import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { serveOrders } from './server-note.ts';

/** As its documentation has it for many clients: WebSocket alone, and no compression, which is what it begins with. */
const port = Number(process.argv[2]);
const server = createServer();
const io = new Server(server, { transports: ['websocket'], serveClient: false });
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () =>
  serveOrders(port, (text) => io.emit('b', JSON.parse(text))),
);
