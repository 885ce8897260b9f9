import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pythonWithPackages } from './python/venv.ts';

const catalog = join(import.meta.dirname, '..', 'schemas', 'catalog');

export interface ProducerRequest {
  readonly bootstrapServers: string;
  readonly registryUrl: string;
  /** Appended to the topics' names, so that several runs share a broker. */
  readonly suffix: string;
  readonly oracleFile: string;
  readonly records: number;
  readonly seed: number;
  /** Records a second, until it is told to hurry; 0 for as fast as it goes. */
  readonly rate: number;
}

/** The producer that is not ours, at work. */
export interface RunningProducer {
  readonly topics: readonly string[];
  /** Resolves when everything was delivered and the oracle is written; rejects when the program fails. */
  readonly finished: Promise<void>;
  readonly running: boolean;
  /** From now on as fast as it goes. */
  hurry(): void;
  kill(): void;
}

/** Resolves when topics and schemas exist and the first record is about to be sent. */
export async function startProducer(request: ProducerRequest): Promise<RunningProducer> {
  const python = await pythonWithPackages();
  const options: Readonly<Record<string, string>> = {
    bootstrap: request.bootstrapServers,
    registry: request.registryUrl,
    catalog,
    oracle: request.oracleFile,
    suffix: request.suffix,
    events: String(request.records),
    seed: String(request.seed),
    rate: String(request.rate),
  };
  const program = join(import.meta.dirname, 'python', 'producer.py');
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(python, [program, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const finished = endOf(child, errors);
  const ready = once(createInterface({ input: child.stdout }), 'line');
  await Promise.race([ready, finished]);
  return {
    topics: [`streaming.playback${request.suffix}`, `games.launch${request.suffix}`],
    finished,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    hurry: () => {
      child.kill('SIGUSR1');
    },
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

function endOf(child: ChildProcess, errors: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`The producer ended with ${code ?? child.signalCode}:\n${errors.join('')}`));
    });
  });
}
