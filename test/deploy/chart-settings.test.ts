import { expect, it } from 'vitest';
import { settingProblems } from './chart-settings.ts';

const objects = (yaml: string, args: readonly string[]) => [
  { kind: 'ConfigMap', data: { 'journey-graph.yaml': yaml } },
  { kind: 'Deployment', spec: { template: { spec: { containers: [{ name: 'api', args }] } } } },
];
const fine = 'store: neo4j\nneo4j.uri: bolt://graph:7687\n';

it('takes what the product takes, and flags that are the command’s own', () => {
  expect(settingProblems(objects(fine, ['api', '--keeps', '--config=/x', '--port=4000']))).toEqual([]);
});

it.each([
  ['a setting that is none', `${fine}neo4j.urii: x\n`, [], 'no setting is called "neo4j.urii"'],
  ['a flag that is none', fine, ['--prot=4000'], 'prot'],
  ['settings that do not hold together', 'store: neo4j\n', [], 'neo4j.uri must be set'],
])('names %s', (_name, yaml, args, said) => {
  expect(settingProblems(objects(yaml, args)).join()).toContain(said);
});

it('names a file of a setting that no volume of the container has', () => {
  const yaml =
    'store: cassandra\ncassandra.contact.points: a:1\ncassandra.tls: true\ncassandra.tls.ca.location: /certificates/ca.pem\n';
  expect(settingProblems(objects(yaml, []))).toEqual([
    'container api: no volume has /certificates/ca.pem of cassandra.tls.ca.location',
  ]);
  const mounted = { name: 'api', volumeMounts: [{ mountPath: '/certificates' }] };
  const pod = { kind: 'Deployment', spec: { template: { spec: { containers: [mounted] } } } };
  expect(settingProblems([...objects(yaml, []).slice(0, 1), pod])).toEqual([]);
});

it('says so when there is nothing to look at', () => {
  expect(settingProblems([])).toHaveLength(1);
});
