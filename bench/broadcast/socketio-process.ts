import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { serveOrders } from './server-note.ts';

interface SocketIoServer {
  emit(event: string, message: unknown): void;
}
type SocketIo = { readonly Server: new (server: object, options: object) => SocketIoServer };

/** As its documentation has it for many clients: WebSocket alone, no compression, which is what it begins with. */
const port = Number(process.argv[2]);
const { Server }: SocketIo = createRequire(import.meta.url)('socket.io');
const server = createServer();
const io = new Server(server, { transports: ['websocket'], serveClient: false });
server.listen({ port, host: '127.0.0.1', backlog: 4096 }, () =>
  serveOrders(port, (text) => io.emit('b', JSON.parse(text))),
);
