import type { Command } from 'commander';
import { settingsFromProcess } from '../../config/index.ts';
import { isKey } from '../../device/index.ts';
import { RefusedError } from '../../foundation/index.ts';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';

interface GatewayFlags {
  readonly router?: readonly string[];
  readonly tokenKey?: string;
  readonly gatewayKey?: string;
  readonly id?: string;
  readonly listen?: string;
  readonly json?: boolean;
}

const examples = `Examples:
  jg gateway --router ws://127.0.0.1:4000/live/gateway --listen 127.0.0.1:4100 --data ./data
  jg gateway --router ws://10.0.0.1:4000/live/gateway --router ws://10.0.0.2:4000/live/gateway \\
             --listen 0.0.0.0:4100 --token-key ./token.key --gateway-key ./gateway.key
  jg gateway --router ws://127.0.0.1:4000/live/gateway --json | jq .sockets
`;

const notes = `
Both keys are made by jg up in the folder live/ of its data; without their flags they are read from there, by --data.
GET /healthz says that the process lives, /readyz that devices may be sent here.`;

const listenDefault = '127.0.0.1:4100';
const shownSettings = new Set([
  'data',
  'live.allowed.origins',
  'live.sockets.max',
  'live.connects.per.second',
  'live.drain.ms',
  'log.level',
]);

/** `jg gateway`: holds devices' sockets, told by the routers of other processes. */
export function addGatewayCommand(program: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  addSettingFlags(program.command('gateway'), shownSettings)
    .description(
      'Holds sockets of live events\u2019 devices, and hears of broadcasts from routers (`jg up`).',
    )
    .option('--router <url>', 'A router to dial; may be given several times.', collect)
    .option('--token-key <file>', 'Key that device tokens are checked with.')
    .option('--gateway-key <file>', 'Key that this gateway shows to routers.')
    .option('--id <id>', 'Name of this gateway; without it one is made up.')
    .option(
      '--listen <host:port>',
      'Where devices connect; port 0 takes a free one (default: 127.0.0.1:4100).',
    )
    .option('--json', 'One line of JSON every five seconds.')
    .addHelpText('before', examples)
    .addHelpText('after', notes)
    .action(async (flags: GatewayFlags, command: Command) => {
      const routers = flags.router ?? [];
      for (const url of routers) checkRouter(url);
      if (routers.length === 0) throw noRouter('jg gateway needs at least one --router');
      if (flags.id !== undefined && !isKey(flags.id)) {
        const message = `${JSON.stringify(flags.id)} is no name of a gateway: it has 1 to 64 letters, digits, dots, dashes and underscores.`;
        throw new RefusedError('LIVE_GATEWAY_ID', message);
      }
      const { settings } = settingsFromProcess(settingFlags(command));
      const { runGateway } = await import('../gateway.ts');
      const { tokenKey = null, gatewayKey = null, id = null, json = false } = flags;
      const listen = readListen(flags.listen ?? listenDefault);
      finish(await runGateway(settings, { routers, tokenKey, gatewayKey, id, listen, json }, io));
    });
}

function collect(url: string, others: readonly string[] | undefined): readonly string[] {
  return [...(others ?? []), url];
}

/** The setting `host` is the API's, which needs a token beyond loopback; here every device has one. */
function readListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  const message = `${JSON.stringify(text)} is no address to listen on; it looks like 0.0.0.0:4100 or [::]:4100.`;
  throw new RefusedError('LIVE_LISTEN_INVALID', message);
}

function checkRouter(text: string): void {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:'))
    throw noRouter(`${JSON.stringify(text)} is no address of a router`);
}

function noRouter(what: string): RefusedError {
  const message = `${what}; write --router ws://127.0.0.1:4000/live/gateway, the address of a jg up.`;
  return new RefusedError('LIVE_ROUTER_MISSING', message);
}
