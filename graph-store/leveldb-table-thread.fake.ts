import { serveTable } from './leveldb-table-thread.ts';

/** The entry of a thread whose bytes of a table say how many rows each page has. */
await serveTable(async function* ({ pages }) {
  for await (const page of pages) yield Buffer.from(`${page.length} rows`);
});
