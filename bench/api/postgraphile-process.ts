import { createServer } from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { type ServeOptions, serveWorkers } from './serve-workers.ts';

/** Of all workers together: a few for each core, as PostgreSQL is best given them. */
const connections = 8;

/** As its guide to production has it: no IDE, no watching, no explaining; its plans and prepared statements are cached as they come. */
async function serve({ url, workers }: ServeOptions): Promise<void> {
  const max = Math.ceil(connections / workers);
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    pgServices: [makePgService({ connectionString: url, schemas: ['public'], poolConfig: { max } })],
    grafserv: { graphiql: false, graphiqlOnGraphQLGET: false, watch: false, websockets: false },
    grafast: { explain: false },
  });
  const server = createServer();
  await instance.createServ(grafserv).addTo(server);
  await instance.getSchemaResult();
  server.listen(0, '127.0.0.1');
}

await serveWorkers(process.argv.slice(2), serve);
