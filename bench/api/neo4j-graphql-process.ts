import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { Neo4jGraphQL } from '@neo4j/graphql';
import neo4j from 'neo4j-driver';
import { neo4jTypeDefs } from './neo4j-model.ts';
import { type ServeOptions, serveWorkers } from './serve-workers.ts';

/** With Apollo Server, as its documentation has it; what Apollo does for caches and for callers that leave queries is off, as with us. */
async function serve({ url }: ServeOptions): Promise<void> {
  const driver = neo4j.driver(url, undefined, { maxConnectionPoolSize: 100 });
  const schema = await new Neo4jGraphQL({ typeDefs: neo4jTypeDefs, driver }).getSchema();
  const server = new ApolloServer({
    schema,
    persistedQueries: false,
    introspection: false,
    includeStacktraceInErrorResponses: false,
    plugins: [ApolloServerPluginCacheControlDisabled()],
  });
  const sessionConfig = { database: 'neo4j' };
  await startStandaloneServer(server, {
    context: async () => ({ sessionConfig, cypherQueryOptions: { addVersionPrefix: true } }),
    listen: { port: 0, host: '127.0.0.1' },
  });
}

await serveWorkers(process.argv.slice(2), serve);
