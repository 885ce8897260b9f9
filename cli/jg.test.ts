import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'journey-graph-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command as a process of its own, with nothing in its environment but what is given. */
function jg(
  entry: 'main.ts' | 'jg.js',
  commandLine: readonly string[],
  environment: Record<string, string> = {},
) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, entry), ...commandLine],
    { cwd: folder, encoding: 'utf8', timeout: 25_000, env: environment },
  );
  return { code: status, out: stdout, err: stderr };
}

describe.each(['main.ts', 'jg.js'] as const)('the process %s', (entry) => {
  it('puts data on standard output and nothing else there', () => {
    const { code, out, err } = jg(entry, ['--version']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('passes on the exit code of a refusal, which is a sentence and no stack', () => {
    const { code, out, err } = jg(entry, ['up', '--port', '99999', '--demoo', 'on']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('2 problems with the settings');
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe('the process', () => {
  it('ends soon after the command has, with all of its output, whatever would keep it alive', () => {
    const leftover = 'data:text/javascript,setInterval(() => undefined, 1e6)';
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', leftover, join(import.meta.dirname, 'main.ts'), 'config', 'docs'],
      { cwd: folder, encoding: 'utf8', timeout: 25_000, env: {} },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('`shutdown.timeout.ms`');
    expect(stdout).toMatch(/\n$/);
  });

  it('runs the sources of a checkout, whatever build lies beside them, and the build of a package', () => {
    const checkout = mkdtempSync(join(folder, 'checkout-'));
    for (const part of ['cli', 'dist/cli']) mkdirSync(join(checkout, part), { recursive: true });
    writeFileSync(join(checkout, 'package.json'), '{"type":"module"}');
    copyFileSync(join(import.meta.dirname, 'jg.js'), join(checkout, 'cli', 'jg.js'));
    const sources = join(checkout, 'cli', 'main.ts');
    writeFileSync(sources, "const said: string = 'sources';\nconsole.log(said);\n");
    writeFileSync(join(checkout, 'dist', 'cli', 'main.js'), "console.log('build');\n");
    const run = (): string =>
      spawnSync(process.execPath, [join(checkout, 'cli', 'jg.js')], { encoding: 'utf8', env: {} }).stdout;
    expect(run()).toBe('sources\n');
    rmSync(sources);
    expect(run()).toBe('build\n');
  });

  it('reads journey-graph.yaml where it starts, and says file, line and column', () => {
    const file = join(folder, 'journey-graph.yaml');
    writeFileSync(file, 'query:\n  page.max: 700\n');
    const shown = jg('main.ts', ['config', 'show', '--origin', '--json']);
    expect(JSON.parse(shown.out)['query.page.max']).toEqual({ value: 700, origin: 'journey-graph.yaml:2:3' });
    writeFileSync(file, 'query:\n  page.mx: 700\n');
    const refused = jg('main.ts', ['config', 'check']);
    rmSync(file);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('journey-graph.yaml:2:3: no setting is called "query.page.mx"');
  });

  it('reads a Kafka properties file, and its flags and environment over it', () => {
    writeFileSync(join(folder, 'client.properties'), 'client.id=from-file\ngroup.id=from-file\nacks=all\n');
    const words = [
      'config',
      'show',
      '--json',
      '--kafka.properties',
      'client.properties',
      '--client-id=from-flag',
    ];
    const { code, out } = jg('main.ts', words, { JG_GROUP_ID: 'from-environment' });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ 'client.id': 'from-flag', 'group.id': 'from-environment' });
  });

  it('never prints a secret of the environment', () => {
    const secrets = {
      JG_API_TOKEN: 'hunter2-token',
      JG_SASL_PASSWORD: 'hunter2-sasl',
      SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'svc:hunter2-registry',
    };
    for (const words of [
      ['config', 'show', '--origin', '--security.protocol=SASL_SSL'],
      ['config', 'check'],
      ['status'],
    ]) {
      const { out, err } = jg('main.ts', words, secrets);
      expect(out + err).not.toBe('');
      expect(out + err).not.toContain('hunter2');
    }
  });
});
