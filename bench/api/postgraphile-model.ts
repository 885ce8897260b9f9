export const postgresqlTables = `
  CREATE TABLE account (id text NOT NULL);
  CREATE TABLE title (id text NOT NULL, name text NOT NULL, kind text NOT NULL);
  CREATE TABLE step (
    account_id text NOT NULL, at_ms bigint NOT NULL, event uuid NOT NULL, title_id text NOT NULL,
    seconds integer NOT NULL, completion double precision NOT NULL, reason text NOT NULL, device_id text NOT NULL
  );`;

/**
 * Built once the rows are in. A step's key is its account's time and holds all of it, so that an account's latest are read in order
 * and from the index alone; the second index is a title's viewings by
 * time. Foreign keys are what PostGraphile makes its fields of. The walk is a function, as it advises for what its fields do not
 * say: they have no limit on all edges of a hop together. LATERAL takes what the index has in order and stops at its limit.
 */
export const postgresqlIndexes = [
  'ALTER TABLE account ADD PRIMARY KEY (id)',
  'ALTER TABLE title ADD PRIMARY KEY (id)',
  'ALTER TABLE step ADD PRIMARY KEY (account_id, at_ms, event) INCLUDE (title_id, seconds, completion, reason, device_id)',
  'CREATE INDEX step_by_title ON step (title_id, at_ms) INCLUDE (account_id)',
  'ALTER TABLE step ADD FOREIGN KEY (account_id) REFERENCES account, ADD FOREIGN KEY (title_id) REFERENCES title',
  `CREATE FUNCTION titles_of_others(account text, since bigint, edges integer, node_rows integer)
   RETURNS text[] STABLE LANGUAGE sql AS $$
    WITH one AS MATERIALIZED (
      SELECT title_id FROM step WHERE account_id = account AND at_ms >= since
      GROUP BY title_id ORDER BY max(at_ms) DESC LIMIT edges
    ), two AS MATERIALIZED (
      SELECT account_id FROM (
        SELECT one.title_id, v.account_id, v.at_ms FROM one CROSS JOIN LATERAL (
          SELECT account_id, at_ms FROM step WHERE title_id = one.title_id AND at_ms >= since
          ORDER BY at_ms DESC LIMIT node_rows) v
        ORDER BY v.at_ms DESC LIMIT node_rows) newest
      GROUP BY title_id, account_id ORDER BY max(at_ms) DESC LIMIT edges
    ), three AS MATERIALIZED (
      SELECT title_id FROM (
        SELECT two.account_id, v.title_id, v.at_ms FROM (SELECT DISTINCT account_id FROM two) two
        CROSS JOIN LATERAL (
          SELECT title_id, at_ms FROM step WHERE account_id = two.account_id AND at_ms >= since
          ORDER BY at_ms DESC LIMIT node_rows) v
        ORDER BY v.at_ms DESC LIMIT node_rows) newest
      GROUP BY account_id, title_id ORDER BY max(at_ms) DESC LIMIT edges
    )
    SELECT coalesce(array_agg(DISTINCT title_id), '{}') FROM three
   $$`,
  // Statistics, and the visibility map that index-only scans need.
  'VACUUM ANALYZE',
] as const;
