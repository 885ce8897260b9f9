import type { Command } from 'commander';
import { serverAddressFromProcess } from '../../config/index.ts';
import type { GraphqlEndpoint } from '../graphql-client.ts';

export interface ServerOptions {
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** The flags of every command that asks a running server. */
export function addServerOptions(command: Command): Command {
  return command
    .option('--url <url>', 'The server (default: where `jg up` listens by the settings).')
    .option(
      '--token <token>',
      'Bearer token (default: the setting api.token, for example from JG_API_TOKEN).',
    )
    .option('--json', 'The answer as one JSON object.')
    .option('--quiet', 'Nothing on standard error but errors.');
}

export function endpoint(options: ServerOptions): GraphqlEndpoint {
  const settings = serverAddressFromProcess();
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  return {
    url: options.url ?? `http://${host}:${settings.port}`,
    token: options.token ?? settings['api.token'],
  };
}
