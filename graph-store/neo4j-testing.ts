import neo4j from 'neo4j-driver';
import type { Neo4jSettings } from './neo4j-settings.ts';

type Access = Pick<Neo4jSettings, 'uri' | 'credentials'>;

/** Runs one query, as a person at a console would. */
export async function ask(
  { uri, credentials }: Access,
  query: string,
  parameters: Record<string, unknown> = {},
  database?: string,
): Promise<readonly Record<string, unknown>[]> {
  const token = credentials === null ? undefined : neo4j.auth.basic(credentials.user, credentials.password);
  const driver = neo4j.driver(uri, token, { useBigInt: true });
  try {
    const { records } = await driver.executeQuery(
      query,
      parameters,
      database === undefined ? {} : { database },
    );
    return records.map((record) => record.toObject());
  } finally {
    await driver.close();
  }
}

/** Removes the graphs of all namespaces that begin so; constraints and indexes stay, for making them again takes longer than a test. */
export async function removeNamespaces(access: Access, start: string): Promise<void> {
  await ask(
    access,
    'MATCH (n:JgNode|JgStep|JgEdgeTombstone|JgPosition|JgOrigin|JgStore) WHERE n.jgKey STARTS WITH $start DETACH DELETE n',
    { start },
  );
}
