import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Benchmark, Figures } from './benchmark.ts';
import { measure } from './process-meter.ts';
import { isRivalName, type RivalName, rivalNames } from './rivals/rival.ts';

export interface BenchOptions {
  readonly name: string | null;
  readonly quick: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly events: number | null;
  readonly rivalEvents: number | null;
  readonly rivalSeconds: RivalSeconds | null;
  readonly members: number | null;
  readonly zipf: boolean;
  readonly seed: number;
  readonly data: string | null;
}

export interface RivalSeconds {
  /** As it stands on the command line. */
  readonly given: string;
  readonly each: Readonly<Partial<Record<RivalName, number>>>;
}

export function parseBenchArguments(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      events: { type: 'string' },
      'rival-events': { type: 'string' },
      'rival-seconds': { type: 'string' },
      members: { type: 'string' },
      zipf: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      data: { type: 'string' },
    },
  });
  if (positionals.length > 1) throw new Error(`one benchmark at a time: ${positionals.join(', ')}`);
  const events = optionalInteger('--events', values.events);
  const rivalEvents = optionalInteger('--rival-events', values['rival-events']);
  const rivalSecondsText = values['rival-seconds'];
  const rivalSeconds = rivalSecondsText === undefined ? null : parseRivalSeconds(rivalSecondsText);
  const members = optionalInteger('--members', values.members);
  const seed = positiveInteger('--seed', values.seed);
  return {
    name: positionals[0] ?? null,
    quick: values.quick,
    json: values.json,
    help: values.help,
    events,
    rivalEvents,
    rivalSeconds,
    members,
    zipf: values.zipf,
    seed,
    data: values.data ?? null,
  };
}

function optionalInteger(name: string, text: string | undefined): number | null {
  return text === undefined ? null : positiveInteger(name, text);
}

/** `480` for each rival, `postgresql=480,neo4j=300` for these two; what comes later holds. */
function parseRivalSeconds(given: string): RivalSeconds {
  const each: Partial<Record<RivalName, number>> = {};
  for (const part of given.split(',')) {
    const [name = '', seconds] = part.split('=');
    if (seconds === undefined) {
      const all = positiveInteger('--rival-seconds', name);
      for (const rival of rivalNames) each[rival] = all;
    } else if (isRivalName(name)) each[name] = positiveInteger(`--rival-seconds ${name}=`, seconds);
    else throw new Error(`--rival-seconds knows ${rivalNames.join(', ')}, not "${name}"`);
  }
  return { given, each };
}

function positiveInteger(name: string, text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${name} takes a whole number above 0, not "${text}"`);
  return value;
}

export function benchNames(folder: string): string[] {
  const ending = '.bench.ts';
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

/** @throws {Error} when there is no benchmark of that name. */
export function checkName(folder: string, name: string): void {
  const known = benchNames(folder);
  if (!known.includes(name))
    throw new Error(`there is no benchmark "${name}"; there are: ${known.join(', ') || 'none'}`);
}

export async function loadBenchmark(folder: string, name: string): Promise<Benchmark> {
  checkName(folder, name);
  const module: { default?: Benchmark } = await import(pathToFileURL(join(folder, `${name}.bench.ts`)).href);
  if (module.default === undefined) throw new Error(`${name}.bench.ts has no default export`);
  return module.default;
}

export interface BenchResult {
  readonly name: string;
  readonly date: string;
  readonly command: string;
  readonly commit: string;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly figures: Figures;
  readonly notMeasured: readonly string[];
}

/** Runs a benchmark and writes `NAME.json` or `NAME-quick.json` into `resultsFolder`. */
export async function runBenchmark(
  benchmark: Benchmark,
  options: BenchOptions,
  resultsFolder: string,
  log: (line: string) => void,
): Promise<BenchResult> {
  const tempDir = mkdtempSync(join(tmpdir(), `journey-graph-bench-`));
  try {
    const { quick, events, rivalEvents, rivalSeconds, members, zipf, seed } = options;
    const keptFolder = options.data === null ? null : resolve(options.data);
    const figures = await benchmark.run({
      quick,
      events,
      rivalEvents,
      rivalSeconds: rivalSeconds?.each ?? {},
      members,
      zipf,
      seed,
      keptFolder,
      tempDir,
      log,
      measure,
    });
    for (const [key, { value }] of Object.entries(figures)) {
      if (!Number.isFinite(value)) throw new Error(`the figure ${key} is ${value}`);
    }
    const result: BenchResult = {
      name: benchmark.name,
      date: new Date().toISOString(),
      command: `npm run bench -- ${benchmark.name}${givenOptions(options)}`,
      commit: describeCommit(),
      machine: describeMachine(),
      figures,
      notMeasured: benchmark.notMeasured,
    };
    mkdirSync(resultsFolder, { recursive: true });
    const file = `${benchmark.name}${quick ? '-quick' : ''}.json`;
    writeFileSync(join(resultsFolder, file), `${JSON.stringify(result, null, 2)}\n`);
    return result;
  } finally {
    rmSync(tempDir, { recursive: true, force: true });
  }
}

function givenOptions(options: BenchOptions): string {
  const { quick, events, rivalEvents, rivalSeconds, members, zipf, seed } = options;
  return [
    quick ? ' --quick' : '',
    events === null ? '' : ` --events ${events}`,
    rivalEvents === null ? '' : ` --rival-events ${rivalEvents}`,
    rivalSeconds === null ? '' : ` --rival-seconds ${rivalSeconds.given}`,
    members === null ? '' : ` --members ${members}`,
    zipf ? ' --zipf' : '',
    ` --seed ${seed}`,
  ].join('');
}

export function renderResult(result: BenchResult): string {
  const rows = Object.entries(result.figures).map(
    ([key, { value, unit }]) => [key, readable(value), unit] as const,
  );
  const keyWidth = Math.max(0, ...rows.map(([key]) => key.length));
  const valueWidth = Math.max(0, ...rows.map(([, value]) => value.length));
  const { cpu, cores, memoryMiB, node } = result.machine;
  return [
    `${result.name}, ${cpu} x ${cores}, ${memoryMiB} MiB, Node ${node}, commit ${result.commit}`,
    ...rows.map(([key, value, unit]) => `  ${key.padEnd(keyWidth)}  ${value.padStart(valueWidth)} ${unit}`),
    ...result.notMeasured.map((what) => `  not measured: ${what}`),
  ].join('\n');
}

/** What `--json` prints as its last line. */
export function jsonLine({ name, machine, commit, figures }: BenchResult): string {
  return JSON.stringify({ name, machine, commit, figures });
}

function readable(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) >= 100 ? 0 : 2 });
}

function describeMachine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryMiB: Math.round(totalmem() / (1024 * 1024)),
    node: process.versions.node,
    os: `${type()} ${release()}`,
  };
}

/** `abc1234`, with `+dirty` when the checkout differs from it; `unknown` outside a repository. */
function describeCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const dirty = git('status', '--porcelain', '--', ':/', ':!/bench/results') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${dirty ? '+dirty' : ''}`;
  } catch {
    return 'unknown';
  }
}
