import cluster from 'node:cluster';
import { parseArgs } from 'node:util';

export interface ServeOptions {
  /** Of the database. */
  readonly url: string;
  readonly workers: number;
}

/**
 * A rival's server as it runs in production on a machine with several cores: workers that share one port. Prints `http://127.0.0.1:PORT` when the last of
 * them listens, and ends when its standard input does, which is when whoever started it is gone.
 */
export async function serveWorkers(
  args: readonly string[],
  serve: (options: ServeOptions) => Promise<void>,
): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { url: { type: 'string' }, workers: { type: 'string', default: '1' } },
  });
  if (values.url === undefined) throw new Error('--url of the database is missing');
  const options = { url: values.url, workers: Number(values.workers) };
  if (cluster.isWorker) return await serve(options);
  process.stdin.resume().on('end', () => process.exit());
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === options.workers) console.log(`http://127.0.0.1:${port}`);
  });
  cluster.on('exit', (_worker, code, signal) => {
    console.error(`a worker ended with ${signal ?? code}`);
    process.exit(1);
  });
  for (let i = 0; i < options.workers; i++) cluster.fork();
}
