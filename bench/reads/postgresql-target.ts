import type pg from 'pg';
import { must } from '../../foundation/index.ts';
import { accountId, titleId } from '../ingest/playback-events.ts';
import {
  hop3Share,
  limits,
  type ReadCost,
  type ReadData,
  type ReadName,
  type ReadTarget,
} from './read-target.ts';

/** Whole walks in one statement: LATERAL takes what the index has in order and stops at each limit. */
const queries: Readonly<Record<Exclude<ReadName, 'hop3wide'>, string>> = {
  latest20: `
    SELECT s.at_ms, s.event, s.title_id, t.name, s.seconds, s.completion, s.reason
    FROM step s JOIN title t ON t.id = s.title_id WHERE s.account_id = $1 ORDER BY s.at_ms DESC LIMIT ${limits.steps}`,
  hop1: `SELECT account_id, at_ms, seconds, completion FROM step WHERE title_id = $1 ORDER BY at_ms DESC LIMIT ${limits.hop1Edges}`,
  hop2: `
    SELECT v.account_id, s.title_id, s.at_ms
    FROM (SELECT DISTINCT account_id FROM (
      SELECT account_id FROM step WHERE title_id = $1 ORDER BY at_ms DESC LIMIT ${limits.hop2Edges}) latest) v
    CROSS JOIN LATERAL (SELECT title_id, at_ms FROM step WHERE account_id = v.account_id
      ORDER BY at_ms DESC LIMIT ${limits.hop2Edges}) s`,
  hop3: `
    WITH one AS MATERIALIZED (
      SELECT title_id FROM step WHERE account_id = $1 AND at_ms >= $2 ORDER BY at_ms DESC LIMIT ${limits.hop3Edges}
    ), two AS MATERIALIZED (
      SELECT v.account_id FROM (SELECT DISTINCT title_id FROM one) f
      CROSS JOIN LATERAL (SELECT account_id FROM step WHERE title_id = f.title_id AND at_ms >= $2
        ORDER BY at_ms DESC LIMIT ${hop3Share}) v LIMIT ${limits.hop3Edges}
    )
    SELECT f.account_id, v.title_id, v.at_ms FROM (SELECT DISTINCT account_id FROM two) f
    CROSS JOIN LATERAL (SELECT title_id, at_ms FROM step WHERE account_id = f.account_id AND at_ms >= $2
      ORDER BY at_ms DESC LIMIT ${hop3Share}) v LIMIT ${limits.hop3Edges}`,
  degree: 'SELECT count(*)::int AS count FROM step WHERE title_id = $1',
};

export class PostgresqlTarget implements ReadTarget {
  readonly name = 'postgresql';
  readonly answers = ['latest20', 'hop1', 'hop2', 'hop3', 'degree'] as const;
  readonly #pool: pg.Pool;
  readonly #sinceMs: number;

  constructor(pool: pg.Pool, { nowMs }: ReadData) {
    this.#pool = pool;
    this.#sinceMs = nowMs - limits.lookbackMs;
  }

  async read(name: ReadName, subject: number): Promise<ReadCost> {
    if (name === 'hop3wide') throw new Error('hop3wide is asked of our store only');
    const id = name === 'latest20' || name === 'hop3' ? accountId(subject) : titleId(subject);
    const values = name === 'hop3' ? [id, this.#sinceMs] : [id];
    const { rows } = await this.#pool.query<{ count?: number }>({ name, text: queries[name], values });
    const found = name === 'degree' ? must(rows[0]?.count, 'a count is one row') : rows.length;
    return { found, reads: 1, scanned: 0 };
  }
}
