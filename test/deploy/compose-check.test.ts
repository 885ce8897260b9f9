import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { composeProblems } from './compose-check.ts';

const file = await readFile(join(import.meta.dirname, '..', '..', 'docker-compose.yml'), 'utf8');

it('The compose file holds together, and its settings are those of the product', () => {
  expect(composeProblems(file)).toEqual([]);
});

it.each([
  ['a flag that is none', '--bootstrap.servers=', '--bootstrap.server=', 'bootstrap.server'],
  ['a variable that is none', 'JG_CASSANDRA_CONTACT_POINTS', 'JG_CASSANDRA_POINTS', 'cassandra.points'],
  ['settings that do not hold together', 'JG_API_TOKEN:', '# JG_API_TOKEN:', 'api.token'],
  ['a command that is none', 'command: [ingest,', 'command: [ingests,', 'runs ingests'],
  [
    'a service that is awaited and not there',
    '  scale-registry:\n',
    '  registry-2:\n',
    'waits for scale-registry',
  ],
  ['a volume that is not declared', '\n  keeper-data:', '', 'the volume keeper-data'],
  ['an image that is not named', '    image: neo4j:5.26-community\n', '', 'neo4j: names no image'],
  ['a profile that is not there', '    profiles: [neo4j]\n', '', 'neo4j: is of no profile'],
  ['a health check that is not there', '[CMD, cypher-shell, RETURN 1]', '', 'neo4j: has no health check'],
])('names %s', (_name, before, after, said) => {
  expect(file).toContain(before);
  const changed = after === '' && before.startsWith('[') ? withoutHealth(file) : file.replace(before, after);
  expect(composeProblems(changed).join('\n')).toContain(said);
});

/** Of Neo4j. */
function withoutHealth(text: string): string {
  return text.replace(/healthcheck:\n +test: \[CMD, cypher-shell.*\n(?: {6}.*\n)+/, '');
}
