import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../foundation/index.ts';
import { describeWith } from '../test/services/index.ts';
import { Neo4jConnection } from './neo4j-connection.ts';
import { Neo4jSchema } from './neo4j-schema.ts';
import { defaultNeo4jSettings } from './neo4j-settings.ts';
import { ask } from './neo4j-testing.ts';

/** Of this run alone: the server's schema is shared by all suites. */
const type = `Schema_${process.pid}`;

describeWith('neo4j')('The constraints and indexes of the Neo4j store', (services) => {
  const run = (query: string): Promise<unknown> => ask(services.neo4j, query);
  const drop = async (): Promise<void> => {
    await run(`DROP CONSTRAINT jg_out_${type} IF EXISTS`);
    await run(`DROP CONSTRAINT theirs_${type} IF EXISTS`);
    for (const name of [`jg_out_${type}`, `jg_in_${type}`, `theirs_${type}`])
      await run(`DROP INDEX ${name} IF EXISTS`);
  };
  afterEach(drop);

  const ensure = async (): Promise<void> => {
    const settings = { ...defaultNeo4jSettings, ...services.neo4j };
    const connection = new Neo4jConnection(settings, systemClock, () => 0.5);
    try {
      const schema = await Neo4jSchema.open(connection);
      await schema.ensureEdges(type);
    } finally {
      await connection.close();
    }
  };

  it.each([
    ['not unique', `CREATE INDEX jg_out_${type} FOR ()-[e:${type}]-() ON (e.jgOut)`, 'INDEX'],
    ['of another property', `CREATE INDEX jg_in_${type} FOR ()-[e:${type}]-() ON (e.jgOther)`, 'INDEX'],
    ['of another type of edge', `CREATE INDEX jg_in_${type} FOR ()-[e:${type}X]-() ON (e.jgIn)`, 'INDEX'],
    ['of nodes', `CREATE INDEX jg_in_${type} FOR (e:${type}) ON (e.jgIn)`, 'INDEX'],
    ['of no order', `CREATE TEXT INDEX jg_in_${type} FOR ()-[e:${type}]-() ON (e.jgIn)`, 'INDEX'],
    [
      'unique for nodes alone',
      `CREATE CONSTRAINT jg_out_${type} FOR (e:${type}) REQUIRE e.jgOut IS UNIQUE`,
      'CONSTRAINT',
    ],
  ])('are refused by name when one is %s, and made once that is dropped', async (_what, query, kind) => {
    await run(query);
    const name = query.split(' ').find((word) => word.startsWith('jg_')) ?? '';
    await expect(ensure()).rejects.toMatchObject({
      code: 'STORE_SCHEMA_REFUSED',
      reaction: 'stop',
      message: expect.stringContaining(`drop it: DROP ${kind} \`${name}\``),
    });
    await drop();
    await ensure();
  });

  it('are refused when an index of another name stands in the place of a constraint', async () => {
    await run(`CREATE INDEX theirs_${type} FOR ()-[e:${type}]-() ON (e.jgOut)`);
    await expect(ensure()).rejects.toMatchObject({
      code: 'STORE_SCHEMA_REFUSED',
      message: expect.stringContaining(`DROP INDEX \`theirs_${type}\``),
    });
  });

  it('are what they make sure of, whatever they are called', async () => {
    await run(`CREATE CONSTRAINT theirs_${type} FOR ()-[e:${type}]-() REQUIRE e.jgOut IS UNIQUE`);
    await ensure();
    const found = await ask(
      services.neo4j,
      `SHOW INDEXES YIELD name WHERE name ENDS WITH '${type}' RETURN name ORDER BY name`,
    );
    expect(found).toEqual([{ name: `jg_in_${type}` }, { name: `theirs_${type}` }]);
  });

  it('are made by several at once', async () => {
    await Promise.all([ensure(), ensure(), ensure()]);
    const found = await ask(
      services.neo4j,
      `SHOW INDEXES YIELD name WHERE name ENDS WITH '${type}' RETURN count(*) AS indexes`,
    );
    expect(found).toEqual([{ indexes: 2n }]);
  });
});
