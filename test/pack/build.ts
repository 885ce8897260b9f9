import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { runtimeFiles, withCompiledUrls } from './compiled-tree.ts';

/**
 * `prepack`: compiles what ships into `dist/` (Node strips no types below `node_modules`) and puts beside it the
 * files that the code reads at run time.
 */
const root = join(import.meta.dirname, '..', '..');
const dist = join(root, 'dist');

function compile(): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  console.error(`The package cannot be compiled:\n${result.stdout}${result.stderr}`);
  process.exit(1);
}

function compiledRooms(): string[] {
  return readdirSync(dist, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

function copyRuntimeFiles(): number {
  const paths = compiledRooms().flatMap((room) => runtimeFiles(root, room));
  for (const path of paths) {
    mkdirSync(dirname(join(dist, path)), { recursive: true });
    cpSync(join(root, path), join(dist, path));
  }
  return paths.length;
}

function pointUrlsAtCompiledModules(): number {
  const modules = readdirSync(dist, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.js'),
  );
  for (const entry of modules) {
    const path = join(entry.parentPath, entry.name);
    const source = readFileSync(path, 'utf8');
    const compiled = withCompiledUrls(source);
    if (compiled !== source) writeFileSync(path, compiled);
  }
  return modules.length;
}

/** Code that reads the version finds package.json one folder above its room, here as in the sources. */
function writeManifest(): void {
  const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);
}

rmSync(dist, { recursive: true, force: true });
compile();
const files = copyRuntimeFiles();
const modules = pointUrlsAtCompiledModules();
writeManifest();
console.error(`${relative(root, dist)}${sep}: ${modules} modules, ${files} files they read`);
