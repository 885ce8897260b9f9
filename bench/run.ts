import { join } from 'node:path';
import {
  benchNames,
  jsonLine,
  loadBenchmark,
  parseBenchArguments,
  renderResult,
  runBenchmark,
} from './harness.ts';

const folder = import.meta.dirname;

async function main(args: readonly string[]): Promise<void> {
  const options = parseBenchArguments(args);
  if (options.help || options.name === null) {
    console.log(
      'Usage: npm run bench -- NAME [--quick] [--json] [--events N] [--rival-events N] [--members N] [--zipf] [--seed N] [--data FOLDER]\n\n' +
        '  --members N: of scale, how many members have watched one title\n',
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
