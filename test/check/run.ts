import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDeployment } from '../deploy/deployment-check.ts';
import { checkForbidden } from './forbidden.ts';
import { checkImports, houseTable } from './import-table.ts';
import { checkLockfile, type Lockfile } from './lockfile.ts';
import { type ParsedModule, readModules } from './parsed-module.ts';
import { checkSizes, type Ratchet } from './size-ratchet.ts';
import { sourceFiles } from './source-files.ts';
import { renderResults, runCheck, runTool, type StepResult } from './step.ts';

const root = join(import.meta.dirname, '..', '..');
const ratchetPath = join(import.meta.dirname, 'size-ratchet.json');
const limits = { functionLinesMax: 70, fileLinesMax: 500 };

function ownChecks(modules: readonly ParsedModule[], tighten: boolean): StepResult[] {
  const looked = `${modules.length} modules`;
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const dependencies = new Set(Object.keys(manifest.dependencies));
  const lockfile: Lockfile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const ratchet: Ratchet = JSON.parse(readFileSync(ratchetPath, 'utf8'));
  const sizes = (): { findings: ReturnType<typeof checkImports>; summary: string } => {
    let report = checkSizes(modules, limits, ratchet);
    if (tighten) {
      writeFileSync(ratchetPath, `${JSON.stringify(report.tightened, null, 2)}\n`);
      report = checkSizes(modules, limits, report.tightened);
    }
    const exceptions = Object.keys(report.tightened).length;
    return { findings: [...report.findings], summary: `${looked}, ${exceptions} exceptions` };
  };
  return [
    runCheck('import table', () => ({
      findings: checkImports(modules, { table: houseTable, dependencies }),
      summary: looked,
    })),
    runCheck('size ratchet', sizes),
    runCheck('lockfile', () => ({
      findings: checkLockfile(lockfile),
      summary: `${Object.keys(lockfile.packages).length} packages`,
    })),
    runCheck('forbidden', () => ({ findings: checkForbidden(modules), summary: looked })),
  ];
}

/** `npm run check [-- --tighten]`: every step runs, whatever the others say. */
async function main(args: readonly string[]): Promise<number> {
  const unknown = args.filter((argument) => argument !== '--tighten');
  if (unknown.length > 0) {
    console.error(`unknown argument ${unknown.join(' ')}: npm run check takes only --tighten`);
    return 2;
  }
  const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
  const tools = Promise.all([
    runTool('format, lint', root, bin('biome'), ['ci', '--colors=off', '--max-diagnostics=200', '.']),
    runTool('types', root, bin('tsc'), ['-p', '.', '--pretty', 'false']),
    runTool('unused code', root, bin('knip'), ['--no-progress', '--no-config-hints']),
  ]);
  const modules = readModules(root, sourceFiles(root));
  const own = ownChecks(modules, args.includes('--tighten'));
  const deployment = await checkDeployment(root, modules);
  const results = [...(await tools), ...own, deployment];
  console.log(renderResults(results));
  return results.every((result) => result.passed) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
