import { describe, expect, it } from 'vitest';
import { bundledScenario, bundledScenarioNames } from './bundled-scenarios.ts';
import { readScenario } from './scenario-reader.ts';

const small = `version: 1
name: Small
duration: 10m
audience: { devices: 10, arrivals: [{ at: 0s, share: 1 }] }
stages: [{ key: live, kind: live, at: 5m }]
fleet: { gateways: 2, serverCores: 1 }
`;

describe('readScenario', () => {
  it.each(bundledScenarioNames())('takes the scenario %s of the product', (name) => {
    expect(readScenario(name, bundledScenario(name) ?? '').problems).toEqual([]);
  });

  it('takes YAML and JSON alike, with times in their units', () => {
    const { scenario } = readScenario(
      'a.yaml',
      `${small}faults: [{ kind: schedule-moved, at: 1.5m, by: -30s }]`,
    );
    expect(scenario).toMatchObject({
      durationMs: 600_000,
      devicesSimulated: 10,
      stages: [{ key: 'live', kind: 'live', startsAtMs: 300_000 }],
      faults: [{ kind: 'schedule-moved', atMs: 90_000, byMs: -30_000 }],
      targets: { t50Ms: null },
    });
    const json = { version: 1, name: 'Small', duration: 600_000, audience: { devices: 10, arrivals: [{ at: 0, share: 1 }] }, stages: [{ key: 'live', kind: 'live', at: '5m' }], fleet: { gateways: 2, serverCores: 1 } }; // biome-ignore format: one row
    expect(readScenario('a.json', JSON.stringify(json)).problems).toEqual([]);
  });

  it.each([
    ['gateways: 2', 'gateways: 0', 'a.yaml:6:10: must be a whole number from 1 to 20000'],
    ['duration: 10m', 'duration: 10 m', 'a.yaml:3:1: must be a time such as 90s, 30m or 1h'],
    ['name: Small', 'nam: Small', 'a.yaml:2:1: `nam` means nothing here (did you mean `name`?)'],
    ['kind: live', 'kind: alive', 'must be one of announced, lobby, live'],
    ['kind: live', 'kind: lobby', 'needs a stage of kind live'],
    ['share: 1 }', 'share: 1.5 }', 'must be a number from 0 to 1'],
    ['share: 1 }]', 'share: 1 }, { at: 0s, share: 1 }]', 'comes after the point before it'],
    ['[{ at: 0s, share: 1 }]', '[]', '`arrivals` needs a point'],
    ['devices: 10', 'devices: 10, simulated: 11', 'must be a whole number from 1 to 10'],
    ['stages: [', 'stages: [{ key: live, kind: live, at: 0s }, ', 'there is a stage `live` already'],
    ['stages: [', 'stages: [{ key: a, kind: lobby, at: 9m }, ', 'begins before the stage before it'],
    ['version: 1', 'version: 2', 'must be a number from 1 to 1'],
    ['version: 1', 'version: 1\nversion: 1', 'Map keys must be unique'],
    ['name: Small', 'name: *small', 'a.yaml:2'],
  ])('refuses %s as %s, with the place', (good, bad, said) => {
    const { scenario, problems } = readScenario('a.yaml', small.replace(good, bad));
    expect(scenario).toBeNull();
    expect(problems.join('\n')).toContain(said);
  });

  it.each([
    ['{ kind: late-start, stage: nowhere, by: 1m }', 'there is no stage `nowhere`'],
    ['{ kind: gateway-killed, at: 1m, gateway: 2, down: 1m }', 'from 0 to 1'],
    ['{ kind: earthquake, at: 1m }', 'must be one of gateway-killed'],
    ['{ at: 1m }', 'needs a `kind`'],
    ['{ kind: connections-lost, at: 11m, share: 1 }', 'must be a time'],
  ])('refuses the fault %s', (fault, said) => {
    const { problems } = readScenario('a.yaml', `${small}faults: [${fault}]`);
    expect(problems.join('\n')).toContain(said);
  });

  it('tells all problems at once', () => {
    const { problems } = readScenario('a.yaml', 'version: 1\nname: 5\nfleet: []\nseed: -1\n');
    expect(problems.length).toBeGreaterThan(5);
  });

  it.each([
    ['too long a text', 'x'.repeat(300_000)],
    ['a list in lists', '['.repeat(20_000)],
    ['maps in maps', `${'{a: '.repeat(5_000)}1${'}'.repeat(5_000)}`],
    ['nothing', ''],
    ['an alias bomb', 'a: &a [1]\nb: [*a, *a]'],
  ])('says what is wrong with %s and does not throw', (_name, text) => {
    expect(readScenario('a.yaml', text).problems.length).toBeGreaterThan(0);
  });
});
