import { readFile } from 'node:fs/promises';
import { WebSocket } from 'ws';
import { httpPrefetch, type WebSocketConstructor } from '../../device/index.ts';
import { countText, OutageError, RefusedError } from '../../foundation/index.ts';
import { type RealResult, realBounds, rehearseWithSockets, type Scenario } from '../../live-events/index.ts';
import { type CommandIo, type ExitCode, exitCodes, printable, printableLines } from '../command-io.ts';
import { askGraphql, type GraphqlEndpoint } from '../graphql-client.ts';
import { field } from '../journey-text.ts';
import { ProgressLine } from '../progress-line.ts';
import { renderTable } from '../table.ts';
import { wholeNumberOf } from '../whole-number.ts';
import { endpoint } from './server-option.ts';

export interface RealFlags {
  readonly real?: string;
  readonly event?: string;
  readonly members?: string;
  readonly speed?: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const membersMax = 100_000;
const question = `query($id: ID!, $member: String!, $device: String!) {
  liveEvent(id: $id) { connection(member: $member, device: $device) { url token expiresAt } } }`;

/** Without deflate, which a gateway would refuse. */
const webSocket: WebSocketConstructor = class extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false });
  }
};

/** The arrivals and lost connections of a scenario with real sockets; exits with 1 when a stage did not reach all that were there, or its time. */
export async function playWithSockets(
  scenario: Scenario,
  flags: RealFlags,
  io: CommandIo,
): Promise<ExitCode> {
  const devices = wholeNumberOf('--real', flags.real, realBounds.devicesMax);
  const speed = wholeNumberOf('--speed', flags.speed ?? '60', realBounds.speedMax);
  if (flags.event === undefined || flags.members === undefined)
    throw new RefusedError(
      'UNEXPECTED_ARGUMENT',
      '--real needs --event, and --members with a file of `Type:id` lines.',
    );
  const server = endpoint(flags);
  const { event } = flags;
  const members = await readMembers(flags.members);
  const progress = new ProgressLine(io, flags.quiet === true);
  const headers = server.token === null ? {} : { authorization: `Bearer ${server.token}` };
  const target = {
    event,
    members,
    prefetch: httpPrefetch({ url: server.url, headers }),
    grant: async (member: string, device: string) => await askGrant(server, { id: event, member, device }),
    webSocket,
  };
  const { clock, random, signal } = io;
  try {
    const result = await rehearseWithSockets(scenario, target, {
      ...{ devices, speed, clock, random, signal },
      progress: (online) => progress.showDevices('Online', online),
    });
    progress.end();
    io.out(flags.json === true ? `${JSON.stringify(result)}\n` : textOf(result));
    return holds(result, scenario) ? exitCodes.ok : exitCodes.failed;
  } finally {
    progress.end();
  }
}

async function askGrant(
  server: GraphqlEndpoint,
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly token: string; readonly expiresAt?: string }> {
  const { data, errors } = await askGraphql(server, question, variables);
  const connection = field(field(data, 'liveEvent'), 'connection');
  const [url, token] = [field(connection, 'url'), field(connection, 'token')];
  const expiresAt = field(connection, 'expiresAt');
  if (typeof url === 'string' && typeof token === 'string')
    return { url, token, ...(typeof expiresAt === 'string' && { expiresAt }) };
  const why = errors?.[0]?.message ?? 'there is no such event';
  throw new OutageError('SERVER_UNREACHABLE', `${server.url} gives no connection: ${printable(why)}`);
}

async function readMembers(file: string): Promise<readonly string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new RefusedError('GAME_DAY_FILE_UNUSABLE', `${file} cannot be read.`, { cause });
  }
  const members = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const wrong = members.findIndex((member) => !/^[A-Za-z_]\w*:.{1,1024}$/.test(member));
  if (members.length === 0 || members.length > membersMax || wrong !== -1)
    throw new RefusedError('GAME_DAY_FILE_UNUSABLE', `${file} holds 1 to ${membersMax} lines, each \`Type:id\`${wrong === -1 ? '' : `; line ${wrong + 1} is none`}.`); // biome-ignore format: one row
  return members;
}

/** Not of a rehearsal that nobody came to, or in which nothing happened: that shows nothing. */
function holds(
  { stages, onlineMax, recoveryMs }: Pick<RealResult, 'stages' | 'onlineMax' | 'recoveryMs'>,
  { targets }: Pick<Scenario, 'targets'>,
): boolean {
  if (onlineMax === 0 || stages.length === 0) return false;
  if (recoveryMs === null || (targets.recoveryMs !== null && recoveryMs > targets.recoveryMs)) return false;
  return stages.every(({ t50Ms, t99Ms, t100Ms }) => {
    const within = (ms: number | null, max: number | null): boolean =>
      max === null || (ms !== null && ms <= max);
    return (
      within(t50Ms, targets.t50Ms) && within(t99Ms, targets.t99Ms) && within(t100Ms, targets.t100Ms ?? 60_000)
    );
  });
}

function textOf(result: RealResult): string {
  const { devices, onlineMax, stages, lost, recoveryMs, problems, leftOut } = result;
  const time = (ms: number | null): string => (ms === null ? '-' : countText(ms));
  const rows = stages.map(({ stage, devices: there, reached, t50Ms, t99Ms, t100Ms }) => [
    ...[stage, countText(there), countText(reached)],
    ...[time(t50Ms), time(t99Ms), time(t100Ms)],
  ]);
  const said = Object.entries(problems).map(([code, times]) => `${code} ${countText(times)} times`);
  const lines = [
    `${countText(devices)} devices, ${countText(onlineMax)} online at most.`,
    onlineMax === 0 ? 'Nobody came online, so this shows nothing.' : '',
    lost === 0 ? '' : `${countText(lost)} connections were broken; ${recoveryMs === null ? 'not all came back' : `all were back after ${countText(recoveryMs)} ms`}.`, // biome-ignore format: one row
    said.length === 0 ? '' : `Devices reported ${said.join(', ')}.`,
    leftOut.length === 0
      ? ''
      : `Left out, since a client cannot do it: ${leftOut.map(({ kind }) => kind).join(', ')}.`,
  ];
  const table = renderTable(['stage', 'online', 'reached', 'T50 ms', 'T99 ms', 'T100 ms'], rows);
  return printableLines(`${lines.filter((line) => line !== '').join('\n')}\n\n${rows.length === 0 ? 'No stage began meanwhile, so this shows nothing: have it begin within the rehearsal.\n' : table}`); // biome-ignore format: one row
}
