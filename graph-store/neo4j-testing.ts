import neo4j, { type Driver } from 'neo4j-driver';
import type { Neo4jSettings } from './neo4j-settings.ts';

type Access = Pick<Neo4jSettings, 'uri' | 'credentials'>;

/** Runs one query, as a person at a console would. */
export async function ask(
  access: Access,
  query: string,
  parameters: Record<string, unknown> = {},
  database?: string,
): Promise<readonly Record<string, unknown>[]> {
  return await withDriver(access, async (driver) => {
    const { records } = await driver.executeQuery(
      query,
      parameters,
      database === undefined ? {} : { database },
    );
    return records.map((record) => record.toObject());
  });
}

/**
 * Removes the graphs of all namespaces that begin so; constraints and indexes stay, for making them again takes longer than a test. In parts: long runs of
 * the suite leave more than the server has memory for in one transaction.
 */
export async function removeNamespaces(access: Access, start: string): Promise<void> {
  await withDriver(access, async (driver) => {
    const session = driver.session();
    await session.run(
      `MATCH (n:JgNode|JgStep|JgEdgeTombstone|JgPosition|JgOrigin|JgStore) WHERE n.jgKey STARTS WITH $start
       CALL { WITH n DETACH DELETE n } IN TRANSACTIONS`,
      { start },
    );
    await session.close();
  });
}

async function withDriver<T>({ uri, credentials }: Access, work: (driver: Driver) => Promise<T>): Promise<T> {
  const token = credentials === null ? undefined : neo4j.auth.basic(credentials.user, credentials.password);
  const driver = neo4j.driver(uri, token, { useBigInt: true });
  try {
    return await work(driver);
  } finally {
    await driver.close();
  }
}
