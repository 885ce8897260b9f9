import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { must } from '../../foundation/index.ts';

const startTimeoutMs = 120_000;

export interface RivalServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** `program` is a module of this folder that calls {@link serveWorkers}; it ends with us, however we end. */
export function startRivalServer(
  program: './neo4j-graphql-process.ts' | './postgraphile-process.ts',
  url: string,
  workers: number,
): Promise<RivalServer> {
  return startServer(program, ['--url', url, '--workers', String(workers)]);
}

/** `program` prints where it listens, and ends when its standard input does. */
export async function startServer(program: string, flags: readonly string[]): Promise<RivalServer> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [file, ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', GRAPHILE_ENV: 'production' },
  });
  const ended = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(String(signal ?? code))),
  );
  const address = new Promise<URL>((resolve, reject) => {
    let text = '';
    const timer = setTimeout(
      () => reject(new Error(`${program} did not say where it listens`)),
      startTimeoutMs,
    );
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /http:\/\/[^\s/]+/.exec(text)?.[0];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(new URL(found));
    });
    void ended.then((how) => {
      clearTimeout(timer);
      reject(new Error(`${program} ended with ${how} before it listened`));
    });
  });
  const close = async (): Promise<void> => {
    must(child.stdin, 'its input is a pipe').end();
    await ended;
  };
  try {
    const { hostname, port } = await address;
    return { host: hostname, port: Number(port), close };
  } catch (error) {
    await close();
    throw error;
  }
}
