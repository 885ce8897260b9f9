import { startTestGateway } from './gateway-testing.ts';
import { RouterLinks } from './router-links.ts';
import { dialRouter } from './router-socket-testing.ts';

/** A gateway in a process of its own: `node gateway-process-testing.ts ID PORT LIMITS ROUTER…`. Says when it serves; ends by being killed. */
const [id = '', port = '', limits = '{}', ...urls] = process.argv.slice(2);
const links = new RouterLinks(urls.map((url) => dialRouter(url, { gateway: id })));
const { gateway } = await startTestGateway(links, {
  id,
  port: Number(port),
  limits: JSON.parse(limits),
});
process.send?.('serving');
// Its parent may ask what it closed, or be gone.
process.on('message', () => process.send?.(gateway.metrics.closed));
process.on('disconnect', () => process.exit());
