import { parse } from 'yaml';
import { loadSettings } from '../../config/index.ts';
import { JourneyGraphError } from '../../foundation/index.ts';
import { flagsOf } from './chart-settings.ts';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly profiles?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: object;
  readonly restart?: string;
  readonly depends_on?: Readonly<Record<string, object>>;
  readonly volumes?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const commands = new Set(['up', 'ingest', 'api', 'gateway']);

/**
 * What of the compose file docker would only say when it is run, and the product not before it starts: services that wait for nobody, volumes that nobody declared, no health check (the image
 * of the product has one of its own), and settings that the product does not take.
 */
export function composeProblems(text: string): readonly string[] {
  const { services, volumes }: Compose = parse(text, { merge: true });
  return Object.entries(services).flatMap(([name, service]) =>
    [
      ...wiringProblems(service, new Set(Object.keys(services)), new Set(Object.keys(volumes))),
      ...(isProduct(service) ? productProblems(service) : []),
    ].map((problem) => `docker-compose.yml, service ${name}: ${problem}`),
  );
}

/** It runs the command of the image, which is ours. */
function isProduct({ build, entrypoint }: Service): boolean {
  return build !== undefined && entrypoint === undefined;
}

function wiringProblems(
  service: Service,
  services: ReadonlySet<string>,
  volumes: ReadonlySet<string>,
): readonly string[] {
  const { image, build, profiles = [], healthcheck, restart } = service;
  const awaited = Object.keys(service.depends_on ?? {}).filter((other) => !services.has(other));
  const named = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
  const undeclared = named.filter((volume) => !volumes.has(volume));
  const endsByItself = restart === 'no';
  return [
    ...(image === undefined && build === undefined ? ['names no image'] : []),
    ...(profiles.length === 0 ? ['is of no profile'] : []),
    ...(healthcheck === undefined && !endsByItself && !isProduct(service) ? ['has no health check'] : []),
    ...awaited.map((other) => `waits for ${other}, which is no service`),
    ...undeclared.map((volume) => `takes the volume ${volume}, which is not declared`),
  ];
}

function productProblems({ command = [], environment = {} }: Service): readonly string[] {
  const [name = '', ...args] = command.map(defaultOf);
  if (!commands.has(name)) return [`runs ${name}, which is no command of it`];
  const variables = Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [variable, defaultOf(value)]),
  );
  try {
    loadSettings({ flags: flagsOf(args), environment: variables, files: [] });
    return [];
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    return [error.message];
  }
}

/** As docker reads it where nobody set anything. */
function defaultOf(text: string): string {
  return text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').replaceAll('$$', '$');
}
