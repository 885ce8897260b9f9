import { loadSettings } from '../../config/index.ts';
import { JourneyGraphError } from '../../foundation/index.ts';

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly volumeMounts?: readonly { readonly mountPath: string }[];
}

/** Of an object of Kubernetes, what settings can be in. */
export interface Rendered {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } } };
}

/** Flags of the commands themselves. */
const ownFlags = new Set(['config', 'keeps', 'router', 'listen', 'json']);
/** What the chart's Secret has. */
const secrets = {
  JG_API_TOKEN: 'from-the-secret',
  NEO4J_PASSWORD: 'from-the-secret',
  CASSANDRA_PASSWORD: 'from-the-secret',
};
/** And where the brokers want one: elsewhere it is refused. */
const brokerSecrets = { JG_SASL_PASSWORD: 'from-the-secret' };
/** Settings whose value is a file that is read. */
const fileSetting = /\.(?:location|file)$/;

/** What the product itself says of the settings that its containers are given: misspelt ones, and those that do not hold together. */
export function settingProblems(objects: readonly Rendered[]): readonly string[] {
  const texts = objects.flatMap(({ kind, data }) => (kind === 'ConfigMap' ? Object.entries(data ?? {}) : []));
  const files = texts.map(([name, text]) => ({ name, text, kind: 'yaml' as const }));
  const containers = objects.flatMap(({ spec }) => spec?.template?.spec?.containers ?? []);
  if (files.length === 0 || containers.length === 0) return ['the chart renders no settings or no container'];
  const isSasl = files.some(({ text }) => text.includes('sasl.mechanism'));
  const environment = isSasl ? { ...secrets, ...brokerSecrets } : secrets;
  return containers.flatMap(({ name, args = [], volumeMounts = [] }) => {
    try {
      const { settings } = loadSettings({ flags: flagsOf(args), environment, files });
      const isThere = (file: string): boolean =>
        volumeMounts.some(({ mountPath }) => file.startsWith(`${mountPath}/`));
      return Object.entries(settings).flatMap(([setting, value]) =>
        fileSetting.test(setting) && typeof value === 'string' && !isThere(value)
          ? [`container ${name}: no volume has ${value} of ${setting}`]
          : [],
      );
    } catch (error) {
      if (!(error instanceof JourneyGraphError)) throw error;
      return [`container ${name}: ${error.message}`];
    }
  });
}

/** Those that are settings, by name. */
export function flagsOf(args: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    args.flatMap((arg) => {
      const [, flag, value] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
      return flag === undefined || ownFlags.has(flag) ? [] : [[flag, value ?? ''] as const];
    }),
  );
}
