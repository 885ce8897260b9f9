import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { StepResult } from '../check/step.ts';
import { pythonWithPackages } from '../python/venv.ts';
import { outputOf } from '../services/packages.ts';
import { ServiceError } from '../services/service-error.ts';
import { type Rendered as RenderedObject, settingProblems } from './chart-settings.ts';
import { composeProblems } from './compose-check.ts';
import { findHelm, helmOutput } from './helm.ts';
import { roomsLeftOut, roomsOfCommand } from './image-rooms.ts';

const run = promisify(execFile);
const chart = join('deploy', 'helm', 'journey-graph');
/** The oldest that the chart names, and the newest that the schemas know. */
const kubernetesVersions = ['1.30', '1.37'] as const;
/** Kinds of others, whose schemas are in their own projects. */
const foreignGroups = ['keda.sh/', 'monitoring.coreos.com/'] as const;

interface Resource extends RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Rendered {
  /** Which values it was rendered with. */
  readonly values: string;
  readonly text: string;
  readonly resources: readonly Resource[];
}

/**
 * What ships besides code: the image holds every room that the command imports, and the chart renders, by helm itself, to what
 * Kubernetes takes, by its own schemas without unknown fields, and to settings that the product takes, as does the compose file. A tool that cannot be had here is named and nothing is said in its place.
 */
export async function checkDeployment(
  root: string,
  modules: Parameters<typeof roomsOfCommand>[0],
): Promise<StepResult> {
  const started = performance.now();
  const step = (problems: readonly string[], summary: string): StepResult => ({
    name: 'deployment',
    passed: problems.length === 0,
    elapsedMs: performance.now() - started,
    summary: problems.length === 0 ? summary : `${problems.length} problems`,
    output: problems.join('\n'),
  });
  const leftOut = roomsLeftOut(roomsOfCommand(modules), await readFile(join(root, '.dockerignore'), 'utf8'));
  const compose = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  const problems = [
    ...leftOut.map((room) => `.dockerignore: the image lacks the room ${room}`),
    ...composeProblems(compose),
  ];
  const found = await findHelm();
  if (!found.found) return step(problems, `the chart was NOT rendered: ${found.lacking}`);
  try {
    const rendered = await renderAll(root, found.helm);
    const { problems: refused, summary } = await validate(rendered);
    const unfit = rendered.flatMap(({ values, resources }) =>
      settingProblems(resources).map((problem) => `${chart}, ${values}: ${problem}`),
    );
    return step([...problems, ...refused, ...unfit], summary);
  } catch (error) {
    return step([...problems, outputOf(error)], '');
  }
}

async function renderAll(root: string, helm: string): Promise<readonly Rendered[]> {
  const folder = join(root, chart);
  await helmOutput(helm, [
    'lint',
    '--strict',
    '--quiet',
    '--kube-version',
    `${kubernetesVersions[0]}.0`,
    folder,
  ]);
  const files = (await readdir(join(folder, 'ci'))).sort();
  return await Promise.all(
    [null, ...files].map(async (file): Promise<Rendered> => {
      const values = file === null ? [] : ['--values', join(folder, 'ci', file)];
      const text = await helmOutput(helm, [
        ...['template', 'graph', folder, '--kube-version', `${kubernetesVersions[0]}.0`],
        ...values,
      ]);
      const documents = parseAllDocuments(text).map((document) => document.toJS());
      return { values: file ?? 'values.yaml', text, resources: documents.filter(isResource) };
    }),
  );
}

function isResource(document: unknown): document is Resource {
  return typeof document === 'object' && document !== null && 'kind' in document && 'apiVersion' in document;
}

async function validate(
  rendered: readonly Rendered[],
): Promise<{ readonly problems: readonly string[]; readonly summary: string }> {
  const all = rendered.flatMap(({ resources }) => resources);
  const foreign = all.filter(isForeign);
  const own = `${all.length - foreign.length} objects of ${rendered.length} sets of values`;
  const unknown = [...new Set(foreign.map(({ kind }) => kind))].sort().join(', ');
  let python: string;
  try {
    python = await pythonWithPackages(join(import.meta.dirname, 'requirements.txt'));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return {
      problems: [],
      summary: `${own} rendered, NOT held against Kubernetes' schemas: ${error.message}`,
    };
  }
  const problems = (await Promise.all(rendered.map((one) => problemsOf(one, python)))).flat();
  return {
    problems,
    summary: `${own} fit Kubernetes ${kubernetesVersions.join(' and ')}; without schemas: ${unknown}`,
  };
}

async function problemsOf({ values, resources }: Rendered, python: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'journey-graph-chart-'));
  try {
    const file = join(folder, 'objects.yaml');
    const known = resources.filter((resource) => !isForeign(resource));
    // JSON is YAML.
    await writeFile(file, known.map((resource) => JSON.stringify(resource)).join('\n---\n'));
    const problems: string[] = [];
    for (const version of kubernetesVersions) {
      try {
        const words = ['--strict', '--quiet', '-k', version, file];
        const { stdout } = await run(python, ['-m', 'kubernetes_validate', ...words]);
        // A kind that it has no schema of is a warning to it, and would pass unseen.
        if (stdout.trim() !== '')
          problems.push(`${chart}, ${values}, Kubernetes ${version}: ${stdout.trim()}`);
      } catch (error) {
        problems.push(`${chart}, ${values}, Kubernetes ${version}:\n${outputOf(error)}`);
      }
    }
    return problems;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function isForeign({ apiVersion }: Resource): boolean {
  return foreignGroups.some((group) => apiVersion.startsWith(group));
}
