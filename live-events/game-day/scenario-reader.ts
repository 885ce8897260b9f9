import type { StageKind } from '../live-event.ts';
import type { ArrivalPoint } from './fleet-model.ts';
import { type Fault, type Scenario, type ScenarioStage, scenarioBounds, type Targets } from './scenario.ts';
import { parseText, type TextNode, TextReader } from './scenario-text.ts';

export interface ScenarioReading {
  /** Null when there is a problem. */
  readonly scenario: Scenario | null;
  /** Each `file:line:column: sentence`. */
  readonly problems: readonly string[];
}

const bounds = scenarioBounds;
const anyTime = { min: 0, max: bounds.durationMsMax };
const anyMove = { min: -bounds.durationMsMax, max: bounds.durationMsMax };
const share = { min: 0, max: 1 };
const stageKinds: readonly StageKind[] = ['announced', 'lobby', 'live', 'custom', 'ended', 'replay'];
const faultKinds = [
  'gateway-killed',
  'connections-lost',
  'schedule-moved',
  'late-start',
  'user-rush',
] as const;

/** A rehearsal as somebody wrote it, in YAML or JSON. Strict, bounded; never throws. */
export function readScenario(file: string, text: string): ScenarioReading {
  const { root, problems } = parseText(file, text, bounds.charactersMax);
  if (root === null) return { scenario: null, problems };
  const reader = new TextReader();
  const scenario = scenarioOf(root, reader);
  return reader.problems.length > 0
    ? { scenario: null, problems: reader.problems }
    : { scenario, problems: [] };
}

function scenarioOf(root: TextNode, reader: TextReader): Scenario {
  const fields = reader.fields(
    root,
    ['version', 'name', 'duration', 'audience', 'stages', 'fleet'],
    ['seed', 'prefetch', 'network', 'users', 'faults', 'targets'],
  );
  reader.number(fields.get('version'), { min: 1, max: 1 }, 1);
  const durationMs = reader.durationMs(fields.get('duration'), { min: 60_000, max: bounds.durationMsMax }, 60_000); // biome-ignore format: one row
  const audience = audienceOf(fields.get('audience'), reader);
  const stages = stagesOf(fields.get('stages'), reader);
  const fleet = fleetOf(fields.get('fleet'), reader);
  const network = fieldsOf(fields.get('network'), reader, ['lossesPerHour']);
  const users = fieldsOf(fields.get('users'), reader, ['requestsPerSecond']);
  return {
    name: reader.text(fields.get('name'), /^.{1,100}$/, 'a name of 1 to 100 characters'),
    seed: reader.number(fields.get('seed'), { min: 0, max: 2 ** 32 - 1, whole: true }, 1),
    durationMs,
    ...audience,
    stages,
    prefetch: prefetchOf(fields.get('prefetch'), reader),
    lossesPerHour: reader.number(network.get('lossesPerHour'), { min: 0, max: 3_600 }, 0),
    userRequestsPerSecond: reader.number(users.get('requestsPerSecond'), { min: 0, max: 1e8 }, 0),
    fleet,
    faults: reader
      .list(fields.get('faults'), bounds.faultsMax)
      .flatMap((node) => faultOf(node, reader, { durationMs, stages, gateways: fleet.gateways }) ?? []),
    targets: targetsOf(fields.get('targets'), reader),
  };
}

type Fields = ReadonlyMap<string, TextNode>;

function fieldsOf(node: TextNode | undefined, reader: TextReader, optional: readonly string[]): Fields {
  return node === undefined ? new Map() : reader.fields(node, [], optional);
}

function needed(
  node: TextNode | undefined,
  reader: TextReader,
  names: readonly string[],
  optional: readonly string[] = [],
): Fields {
  return node === undefined ? new Map() : reader.fields(node, names, optional);
}

function audienceOf(
  node: TextNode | undefined,
  reader: TextReader,
): Pick<Scenario, 'devices' | 'devicesSimulated' | 'arrivals'> {
  const fields = needed(node, reader, ['devices', 'arrivals'], ['simulated']);
  const devices = reader.number(fields.get('devices'), { min: 1, max: bounds.devicesMax, whole: true }, 1);
  const usual = Math.min(devices, bounds.devicesSimulatedDefault);
  const most = Math.min(devices, bounds.devicesSimulatedMax);
  const devicesSimulated = reader.number(fields.get('simulated'), { min: 1, max: most, whole: true }, usual);
  const arrivals: ArrivalPoint[] = [];
  for (const item of reader.list(fields.get('arrivals'), bounds.arrivalsMax)) {
    const point = needed(item, reader, ['at', 'share']);
    const next = {
      atMs: reader.durationMs(point.get('at'), anyTime, 0),
      share: reader.number(point.get('share'), share, 0),
    };
    const last = arrivals.at(-1);
    if (last !== undefined && (next.atMs <= last.atMs || next.share < last.share))
      reader.problem(item, 'comes after the point before it, with a share that is not lower');
    arrivals.push(next);
  }
  if (arrivals.length === 0 && fields.has('arrivals') && fields.get('arrivals')?.value.kind === 'list')
    reader.problem(node ?? { at: '', value: { kind: 'list', items: [] } }, '`arrivals` needs a point');
  return { devices, devicesSimulated, arrivals };
}

function stagesOf(node: TextNode | undefined, reader: TextReader): readonly ScenarioStage[] {
  const stages: ScenarioStage[] = [];
  for (const item of reader.list(node, bounds.stagesMax)) {
    const fields = needed(item, reader, ['key', 'kind', 'at']);
    const stage = {
      key: reader.text(fields.get('key'), /^[A-Za-z0-9._-]{1,64}$/, 'a key of 1 to 64 of A-Z a-z 0-9 . _ -'),
      kind: reader.oneOf(fields.get('kind'), stageKinds, 'custom'),
      startsAtMs: reader.durationMs(fields.get('at'), anyTime, 0),
    };
    if (stages.some(({ key }) => key === stage.key))
      reader.problem(item, `there is a stage \`${stage.key}\` already`);
    if (stage.startsAtMs < (stages.at(-1)?.startsAtMs ?? 0))
      reader.problem(item, 'begins before the stage before it');
    stages.push(stage);
  }
  if (node !== undefined && !stages.some(({ kind }) => kind === 'live'))
    reader.problem(node, 'needs a stage of kind live');
  return stages;
}

function fleetOf(node: TextNode | undefined, reader: TextReader): Scenario['fleet'] {
  const fields = needed(node, reader, ['gateways', 'serverCores']);
  return {
    gateways: reader.number(fields.get('gateways'), { min: 1, max: bounds.gatewaysMax, whole: true }, 1),
    serverCores: reader.number(fields.get('serverCores'), { min: 1, max: 1_000_000 }, 1),
  };
}

function prefetchOf(node: TextNode | undefined, reader: TextReader): Scenario['prefetch'] {
  const fields = fieldsOf(node, reader, ['ttl', 'jitter', 'spread', 'quietLead', 'quietTail']);
  const atLeast = { min: 1_000, max: bounds.durationMsMax };
  return {
    ttlMs: reader.durationMs(fields.get('ttl'), atLeast, 3_600_000),
    jitterShare: reader.number(fields.get('jitter'), share, 0.2),
    spreadMs: reader.durationMs(fields.get('spread'), anyTime, 900_000),
    quietLeadMs: reader.durationMs(fields.get('quietLead'), anyTime, 600_000),
    quietTailMs: reader.durationMs(fields.get('quietTail'), anyTime, 600_000),
  };
}

interface FaultPlaces {
  readonly durationMs: number;
  readonly stages: readonly ScenarioStage[];
  readonly gateways: number;
}

function faultOf(node: TextNode, reader: TextReader, places: FaultPlaces): Fault | null {
  const given = node.value.kind === 'map' ? node.value.entries.get('kind') : undefined;
  if (given === undefined) {
    reader.problem(node, `needs a \`kind\`: ${faultKinds.join(', ')}`);
    return null;
  }
  const before = reader.problems.length;
  const kind = reader.oneOf(given, faultKinds, 'schedule-moved');
  if (reader.problems.length > before) return null;
  const read = (...names: readonly string[]): Fields => needed(node, reader, ['kind', ...names]);
  const timeOf = (fields: Fields): number => reader.durationMs(fields.get('at'), { min: 0, max: places.durationMs }, 0); // biome-ignore format: one row
  switch (kind) {
    case 'gateway-killed': {
      const fields = read('at', 'gateway', 'down');
      const gateway = reader.number(
        fields.get('gateway'),
        { min: 0, max: places.gateways - 1, whole: true },
        0,
      );
      return {
        kind,
        atMs: timeOf(fields),
        gateway,
        downMs: reader.durationMs(fields.get('down'), anyTime, 0),
      };
    }
    case 'connections-lost': {
      const fields = read('at', 'share');
      return { kind, atMs: timeOf(fields), share: reader.number(fields.get('share'), share, 0) };
    }
    case 'schedule-moved': {
      const fields = read('at', 'by');
      return { kind, atMs: timeOf(fields), byMs: reader.durationMs(fields.get('by'), anyMove, 0) };
    }
    case 'late-start': {
      const fields = read('stage', 'by');
      const stage = reader.text(fields.get('stage'), /^.{1,64}$/, 'the key of a stage');
      if (!places.stages.some(({ key }) => key === stage))
        reader.problem(node, `there is no stage \`${stage}\``);
      return {
        kind,
        stage,
        byMs: reader.durationMs(fields.get('by'), { min: 1, max: bounds.durationMsMax }, 1),
      };
    }
    case 'user-rush': {
      const fields = read('at', 'factor', 'lasts');
      const factor = reader.number(fields.get('factor'), { min: 0, max: 1_000 }, 1);
      return {
        kind,
        atMs: timeOf(fields),
        factor,
        lastsMs: reader.durationMs(fields.get('lasts'), anyTime, 0),
      };
    }
  }
}

function targetsOf(node: TextNode | undefined, reader: TextReader): Targets {
  const names = [
    't50',
    't99',
    't100',
    'prefetchCoverageMin',
    'userAdmittedMin',
    'quietRefreshesMax',
    'recovery',
    'gatewayCpuMax',
    'stepsBackMax',
  ];
  const fields = fieldsOf(node, reader, names);
  const shareOf = (name: string): number | null => reader.number(fields.get(name), share, null);
  const timeOf = (name: string): number | null => reader.durationMs(fields.get(name), anyTime, null);
  const countOf = (name: string): number | null => reader.number(fields.get(name), { min: 0, max: 1e12, whole: true }, null); // biome-ignore format: one row
  return {
    t50Ms: timeOf('t50'),
    t99Ms: timeOf('t99'),
    t100Ms: timeOf('t100'),
    prefetchCoverageMin: shareOf('prefetchCoverageMin'),
    userAdmittedMin: shareOf('userAdmittedMin'),
    quietRefreshesMax: countOf('quietRefreshesMax'),
    recoveryMs: timeOf('recovery'),
    gatewayCpuMax: shareOf('gatewayCpuMax'),
    stepsBackMax: countOf('stepsBackMax'),
  };
}
