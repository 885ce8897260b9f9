import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import neo4j from 'neo4j-driver';
import { readTestEnvironment } from '../../test/services/environment.ts';
import { findJavaTools } from '../../test/services/java-tools.ts';
import { type Neo4jHome, type Neo4jServer, startNeo4jWith } from '../../test/services/neo4j.ts';
import { ServiceError } from '../../test/services/service-error.ts';
import type { ApiData } from './api-data.ts';
import type { ApiRival, ApiTarget } from './api-target.ts';
import { neo4jIndexes } from './neo4j-model.ts';
import type { Questions } from './questions.ts';
import { startRivalServer } from './rival-server.ts';

/** All of it fits into memory, as with everybody. */
const memory = { heapMiB: 4096, pageCacheMiB: 6144 } as const;
const importTimeoutMs = 1_800_000;
const indexTimeoutSeconds = 1800;

export class Neo4jGraphqlRival implements ApiRival {
  readonly name = 'neo4j';
  readonly #server: Neo4jServer;
  readonly #questions: Questions;

  private constructor(server: Neo4jServer, questions: Questions) {
    this.#server = server;
    this.#questions = questions;
  }

  /** @throws {ServiceError} without Java and Maven. */
  static async start(
    data: ApiData,
    questions: Questions,
    log: (progress: string) => void,
  ): Promise<Neo4jGraphqlRival> {
    const environment = readTestEnvironment(process.env);
    const java = await findJavaTools(environment);
    if (!java.found) throw new ServiceError(`Cannot start Neo4j: it needs ${java.lacking}.`);
    log('loading Neo4j');
    const beforeStart = (home: Neo4jHome): Promise<void> => importInto(home, data);
    const server = await startNeo4jWith(java.tools, environment.cacheDirectory, { memory, beforeStart });
    try {
      log('indexing Neo4j');
      await index(server.uri);
      return new Neo4jGraphqlRival(server, questions);
    } catch (error) {
      await server.dispose();
      throw error;
    }
  }

  async serve(workers: number): Promise<ApiTarget> {
    const server = await startRivalServer('./neo4j-graphql-process.ts', this.#server.uri, workers);
    return { ...server, name: this.name, questions: this.#questions };
  }

  close(): Promise<void> {
    return this.#server.dispose();
  }
}

/** `neo4j-admin database import full`, into a server that has not been started yet. */
async function importInto({ home, java, classPath }: Neo4jHome, { csv }: ApiData): Promise<void> {
  const header = async (name: string, columns: string): Promise<string> => {
    const file = join(home, `${name}-header.csv`);
    await writeFile(file, `${columns}\n`);
    return file;
  };
  const accounts = await header('accounts', 'id:ID(Account)');
  const titles = await header('titles', 'id:ID(Title),name,kind');
  const relationships = await header(
    'relationships',
    ':START_ID(Account),atMs:long,event,:END_ID(Title),seconds:int,completion:double,reason,device,title',
  );
  const command = ['-cp', classPath, 'org.neo4j.cli.AdminTool', 'database', 'import', 'full', 'neo4j'];
  const files = [
    `--nodes=Account=${accounts},${csv.accounts}`,
    `--nodes=Title=${titles},${csv.titles}`,
    `--relationships=WATCHED=${relationships},${csv.relationships}`,
  ];
  await promisify(execFile)(java, [...command, ...files], {
    cwd: home,
    env: { ...process.env, NEO4J_HOME: home, NEO4J_CONF: join(home, 'conf') },
    timeout: importTimeoutMs,
    maxBuffer: 64 * 2 ** 20,
  });
}

async function index(uri: string): Promise<void> {
  const driver = neo4j.driver(uri);
  try {
    for (const statement of neo4jIndexes) await driver.executeQuery(statement);
    await driver.executeQuery(`CALL db.awaitIndexes(${indexTimeoutSeconds})`);
  } finally {
    await driver.close();
  }
}
