import { existsSync, statSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readTestEnvironment } from './environment.ts';
import { startPostgresql } from './postgresql.ts';
import { ServiceError } from './service-error.ts';

describe('a PostgreSQL server of our own', () => {
  it('takes settings, is not run by root, and leaves nothing behind', async (test) => {
    const server = await startPostgresql(readTestEnvironment(process.env), { work_mem: '7MB' }).catch(
      (error: unknown) => {
        if (!(error instanceof ServiceError)) throw error;
        return test.skip(error.message);
      },
    );
    onTestFinished(() => server.dispose());
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query('SHOW work_mem');
    await client.end();
    expect(rows).toEqual([{ work_mem: '7MB' }]);
    expect(statSync(`/proc/${server.pid}`).uid).not.toBe(0);
    await server.dispose();
    expect(existsSync(server.home)).toBe(false);
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH');
  });
});
