"""Writes the adjacency of archived events into a DuckDB table. Arguments: glob of the Parquet files, database, bulk or upsert, rows at most."""

import json
import os
import resource
import sys
import time

import duckdb

glob, database, way, rows_max = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

# What the product keeps of an event that can be looked up: a step, and two edges seen from both of their ends.
ROWS = """
  SELECT accountId AS node, 's' AS kind, occurredAt AS happened, eventId AS event, title.id AS other,
         seconds, completion, reason FROM {source}
  UNION ALL SELECT accountId, '>WATCHED', occurredAt, eventId, title.id, seconds, completion, reason FROM {source}
  UNION ALL SELECT title.id, '<WATCHED', occurredAt, eventId, accountId, seconds, completion, reason FROM {source}
  UNION ALL SELECT accountId, '>USED', occurredAt, eventId, device.id, NULL, NULL, NULL FROM {source}
  UNION ALL SELECT device.id, '<USED', occurredAt, eventId, accountId, NULL, NULL, NULL FROM {source}
"""
COLUMNS = """node VARCHAR, kind VARCHAR, happened TIMESTAMPTZ, event VARCHAR, other VARCHAR,
  seconds BIGINT, completion DOUBLE, reason VARCHAR"""

connection = duckdb.connect(database)
connection.execute("SET threads TO 2")
connection.execute("SET memory_limit = '1GiB'")
connection.execute(f"SET temp_directory = '{database}.tmp'")
source = f"(SELECT * FROM read_parquet('{glob}') LIMIT {rows_max})"
began = time.monotonic()
if way == "bulk":
    # Sorted once, as a journey and a hop are read; it can be neither added to in order nor applied twice.
    connection.execute(f"CREATE TABLE adjacency ({COLUMNS})")
    connection.execute(f"INSERT INTO adjacency {ROWS.format(source=source)} ORDER BY node, kind, happened DESC")
else:
    # What can be applied twice, and killed and gone on with: a key that says which event it was.
    connection.execute(f"CREATE TABLE adjacency ({COLUMNS}, PRIMARY KEY (node, kind, happened, event, other))")
    connection.execute(f"INSERT OR REPLACE INTO adjacency {ROWS.format(source=source)}")
connection.execute("CHECKPOINT")
seconds = time.monotonic() - began
(rows,) = connection.execute("SELECT count(*) FROM adjacency").fetchone()
usage = resource.getrusage(resource.RUSAGE_SELF)
connection.close()
print(json.dumps({
    "seconds": seconds,
    "rows": rows,
    "bytes": os.path.getsize(database),
    "peakMiB": usage.ru_maxrss / 1024,
    "cpuSeconds": usage.ru_utime + usage.ru_stime,
}))
