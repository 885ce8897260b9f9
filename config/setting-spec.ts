/** What a setting is made of. The table (`settings-table.ts`) is the only place where one is declared. */
export type SettingSpec = {
  readonly section:
    | 'server'
    | 'demo'
    | 'kafka'
    | 'registry'
    | 'ingest'
    | 'store'
    | 'query'
    | 'live'
    | 'archive'
    | 'log';
  readonly description: string;
  /** Never printed, by no command and in no error. */
  readonly secret?: true;
  /** Names from the environment that people already use, beside the `JG_` one. */
  readonly environment?: readonly string[];
} & (
  | {
      readonly kind: 'text';
      readonly default: string | null;
      /** What the text must look like: a web address without credentials, `host:port` pairs, or an address of Neo4j. */
      readonly form?: 'url' | 'brokers' | 'bolt';
    }
  | { readonly kind: 'list'; readonly default: readonly string[] }
  | { readonly kind: 'flag'; readonly default: boolean }
  | { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] }
  | {
      readonly kind: 'number';
      readonly unit:
        | 'bytes'
        | 'ms'
        | 'records'
        | 'items'
        | 'rows'
        | 'per second'
        | 'levels'
        | 'tokens'
        | 'port'
        | 'files'
        | 'sockets';
      readonly default: number;
      readonly min: number;
      readonly max: number;
    }
);

export const MiB = 2 ** 20;
export const GiB = 2 ** 30;
export const dayMs = 86_400_000;
