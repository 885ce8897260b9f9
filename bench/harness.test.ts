import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Benchmark } from './benchmark.ts';
import {
  benchNames,
  jsonLine,
  loadBenchmark,
  parseBenchArguments,
  renderResult,
  runBenchmark,
} from './harness.ts';
import { Histogram } from './histogram.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'journey-graph-harness-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function example(value: number, seen: (tempDir: string) => void = () => undefined): Benchmark {
  return {
    name: 'example',
    description: 'an example',
    notMeasured: ['the network'],
    run: async (context) => {
      seen(context.tempDir);
      const { peakRssMiB, result } = await context.measure(async () => value);
      return {
        'example.eventsPerSecond': { value: result, unit: 'events/s' },
        'memory.peakMiB': { value: peakRssMiB, unit: 'MiB' },
      };
    },
  };
}

describe('the bench harness', () => {
  it('writes and prints figures with machine, command and commit, and clears its folder away', async () => {
    const folder = temporaryFolder();
    const tempDirs: string[] = [];
    const options = parseBenchArguments(['example', '--quick', '--events', '2_000', '--members', '30']);
    const result = await runBenchmark(
      example(1234.5, (dir) => tempDirs.push(dir)),
      options,
      folder,
      () => undefined,
    );
    const written: unknown = JSON.parse(readFileSync(join(folder, 'example-quick.json'), 'utf8'));
    expect(written).toMatchObject({
      command: 'npm run bench -- example --quick --events 2000 --members 30 --seed 1',
      commit: expect.stringMatching(/^(unknown|[0-9a-f]{12}(\+dirty)?)$/),
      machine: { cores: expect.any(Number), node: process.versions.node },
      figures: { 'example.eventsPerSecond': { value: 1234.5, unit: 'events/s' } },
    });
    expect(renderResult(result)).toContain('not measured: the network');
    expect(Object.keys(JSON.parse(jsonLine(result)))).toEqual(['name', 'machine', 'commit', 'figures']);
    expect(result.figures['memory.peakMiB']?.value).toBeGreaterThan(10);
    expect(tempDirs.map((dir) => existsSync(dir))).toEqual([false]);
  });

  it('refuses a figure that is no number', async () => {
    const folder = temporaryFolder();
    const run = runBenchmark(example(Number.NaN), parseBenchArguments(['example']), folder, () => undefined);
    await expect(run).rejects.toThrow('example.eventsPerSecond is NaN');
    expect(existsSync(join(folder, 'example.json'))).toBe(false);
  });

  it('takes a time for all rivals or one for each, and repeats it in the command', async () => {
    expect(parseBenchArguments(['a', '--rival-seconds', '480']).rivalSeconds?.each).toEqual({
      postgresql: 480,
      neo4j: 480,
      ladybug: 480,
    });
    const given = 'postgresql=480,neo4j=300';
    const options = parseBenchArguments(['example', '--rival-seconds', given]);
    expect(options.rivalSeconds?.each).toEqual({ postgresql: 480, neo4j: 300 });
    const { command } = await runBenchmark(example(1), options, temporaryFolder(), () => undefined);
    expect(command).toBe(`npm run bench -- example --rival-seconds ${given} --seed 1`);
  });

  it('finds benchmarks by their file names', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'tiny.bench.ts'), "export default { name: 'tiny' };");
    expect(benchNames(folder)).toEqual(['tiny']);
    expect(await loadBenchmark(folder, 'tiny')).toEqual({ name: 'tiny' });
    await expect(loadBenchmark(folder, 'huge')).rejects.toThrow(
      'there is no benchmark "huge"; there are: tiny',
    );
  });

  it.each([
    [['a', 'b'], 'one benchmark at a time'],
    [['a', '--events', '0'], '--events takes a whole number above 0'],
    [['a', '--rival-seconds', 'neo4j=0'], '--rival-seconds neo4j= takes a whole number above 0'],
    [['a', '--rival-seconds', 'oracle=5'], 'knows postgresql, neo4j, ladybug, not "oracle"'],
    [['a', '--fast'], "Unknown option '--fast'"],
  ])('refuses %s', (args, message) => {
    expect(() => parseBenchArguments(args)).toThrow(message);
  });
});

describe('a histogram', () => {
  it('tells quantiles to about one percent', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 10_000; value++) histogram.record(value);
    expect(Math.abs(histogram.quantile(0.5) / 5000 - 1)).toBeLessThan(0.012);
    expect(Math.abs(histogram.quantile(0.99) / 9900 - 1)).toBeLessThan(0.012);
    expect(histogram.max).toBe(10_000);
    expect(histogram.count).toBe(10_000);
  });

  it('has no quantile while it is empty', () => {
    expect(new Histogram().quantile(0.5)).toBeNaN();
  });
});
