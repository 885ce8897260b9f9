import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';

/** Reads the body as JSON, as whoever answers it has to, and answers the same each time. */
function answerWith(body: string): (request: IncomingMessage, response: ServerResponse) => void {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length };
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString());
      response.writeHead(200, headers).end(body);
    });
  };
}

const { values } = parseArgs({ options: { bytes: { type: 'string', default: '0' } } });
const server = createServer(answerWith('x'.repeat(Number(values.bytes))));
process.stdin.resume().on('end', () => process.exit());
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}`);
});
