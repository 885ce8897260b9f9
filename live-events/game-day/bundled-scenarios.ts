import { readdirSync, readFileSync } from 'node:fs';

const folder = new URL('./scenarios/', import.meta.url);

/** Scenarios that come with the product, by name. */
export function bundledScenarioNames(): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** Its text; null: there is none of that name. */
export function bundledScenario(name: string): string | null {
  return bundledScenarioNames().includes(name) ? readFileSync(new URL(`${name}.yaml`, folder), 'utf8') : null;
}
