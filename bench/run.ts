import { join } from 'node:path';
import {
  type BenchOptions,
  benchNames,
  checkName,
  jsonLine,
  loadBenchmark,
  parseBenchArguments,
  renderResult,
  runBenchmark,
} from './harness.ts';

const folder = import.meta.dirname;

/** Null after words that are none of ours, which need a sentence and no stack. */
function parsed(args: readonly string[]): BenchOptions | null {
  try {
    const options = parseBenchArguments(args);
    if (options.name !== null) checkName(folder, options.name);
    return options;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`${message}\n(npm run bench -- --help shows what there is)`);
    process.exitCode = 2;
    return null;
  }
}

async function main(args: readonly string[]): Promise<void> {
  const options = parsed(args);
  if (options === null) return;
  if (options.help || options.name === null) {
    console.log(
      'Usage: npm run bench -- NAME [--quick] [--json] [--events N] [--rival-events N] [--rival-seconds N] [--members N] [--zipf] [--seed N] [--data FOLDER]\n\n' +
        '  --rival-events N: rivals are given so many events at most\n' +
        '  --rival-seconds N: of growth and reads, rivals are loaded for so long at most, or each for its own: postgresql=480,neo4j=300\n' +
        '  --members N: of scale and reads, how many members have watched one title\n',
    );
    for (const name of benchNames(folder)) {
      console.log(`  ${name}: ${(await loadBenchmark(folder, name)).description}`);
    }
    return;
  }
  const benchmark = await loadBenchmark(folder, options.name);
  const log = (line: string): void => console.error(`[${benchmark.name}] ${line}`);
  const result = await runBenchmark(benchmark, options, join(folder, 'results'), log);
  console.log(renderResult(result));
  if (options.json) console.log(jsonLine(result));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? `The benchmark failed: ${error.stack ?? error.message}` : error);
  process.exitCode = 1;
}
