import { readFileSync } from 'node:fs';
import { RefusedError } from '../../foundation/index.ts';

const numberNames = [
  'cpuMicrosPerDelivery',
  'cpuMicrosPerConnect',
  'cpuMicrosPerHeartbeat',
  'cpuMicrosPerPrefetch',
  'cpuMicrosPerUserRequest',
  'cpuMicrosPerRefusal',
  'bytesPerSocket',
  'deliveriesPerSecond',
  'socketsPerGateway',
  'connectsPerSecondPerGateway',
  'hopMs',
  'pingMs',
  'lifetimeMs',
] as const;

/**
 * What one device costs, measured on one core; `hopMs` is the way of a broadcast from the journal to a gateway. `deliveriesPerSecond` and the limits of
 * sockets and connects are a gateway's, which uses one core.
 */
export type FleetConstants = Readonly<Record<(typeof numberNames)[number], number>> & {
  /** Where the figures are from. */
  readonly source: string;
  /** True: they were not measured. */
  readonly isPlaceholder: boolean;
};

/** Those that come with the product. */
export function bundledConstants(): FleetConstants {
  return readConstants(
    'fleet-constants.json',
    readFileSync(new URL('./fleet-constants.json', import.meta.url), 'utf8'),
  );
}

/** @throws RefusedError `FLEET_CONSTANTS_INVALID`. */
export function readConstants(file: string, text: string): FleetConstants {
  const invalid = (what: string): RefusedError =>
    new RefusedError('FLEET_CONSTANTS_INVALID', `${file}: ${what}.`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid('is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) throw invalid('must be an object');
  const fields: Readonly<Record<string, unknown>> = { ...parsed };
  const { source, isPlaceholder } = fields;
  if (typeof source !== 'string' || source.length > 1_000)
    throw invalid('`source` must say where the figures are from');
  if (typeof isPlaceholder !== 'boolean') throw invalid('`isPlaceholder` must be true or false');
  const numberOf = (name: string): number => {
    const value = fields[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0 && value <= 1e12) return value;
    throw invalid(`\`${name}\` must be a number above 0`);
  };
  return {
    source,
    isPlaceholder,
    cpuMicrosPerDelivery: numberOf('cpuMicrosPerDelivery'),
    cpuMicrosPerConnect: numberOf('cpuMicrosPerConnect'),
    cpuMicrosPerHeartbeat: numberOf('cpuMicrosPerHeartbeat'),
    cpuMicrosPerPrefetch: numberOf('cpuMicrosPerPrefetch'),
    cpuMicrosPerUserRequest: numberOf('cpuMicrosPerUserRequest'),
    cpuMicrosPerRefusal: numberOf('cpuMicrosPerRefusal'),
    bytesPerSocket: numberOf('bytesPerSocket'),
    deliveriesPerSecond: numberOf('deliveriesPerSecond'),
    socketsPerGateway: numberOf('socketsPerGateway'),
    connectsPerSecondPerGateway: numberOf('connectsPerSecondPerGateway'),
    hopMs: numberOf('hopMs'),
    pingMs: numberOf('pingMs'),
    lifetimeMs: numberOf('lifetimeMs'),
  };
}
