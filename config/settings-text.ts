import { unreachable } from '../foundation/index.ts';
import { environmentNames, type LoadedSettings } from './load-settings.ts';
import type { SettingSpec } from './setting-spec.ts';
import type { SettingValue } from './setting-value.ts';
import { type Settings, settingSpecs } from './settings-table.ts';

export interface ShownSetting {
  readonly name: string;
  readonly value: SettingValue;
  readonly origin: string;
}

/** Every setting with its value and origin; a secret's value never leaves here. */
export function showSettings(loaded: LoadedSettings): readonly ShownSetting[] {
  const values: ReadonlyMap<string, SettingValue> = new Map(Object.entries(loaded.settings));
  return [...settingSpecs].map(([name, spec]) => {
    const value = values.get(name) ?? null;
    const shown = spec.secret === true && value !== null ? '********' : value;
    return { name, value: shown, origin: loaded.origins.get(name) ?? 'default' };
  });
}

/** The values that nobody may read, for what has to keep them out of a text. */
export function secretValues(settings: Settings): readonly string[] {
  const values: ReadonlyMap<string, SettingValue> = new Map(Object.entries(settings));
  return [...settingSpecs].flatMap(([name, spec]) => {
    const value = values.get(name);
    return spec.secret === true && typeof value === 'string' ? [value] : [];
  });
}

/** A value as somebody would write it in a file. */
export function valueText(value: SettingValue): string {
  if (value === null) return '';
  return Array.isArray(value) ? value.join(',') : String(value);
}

const sections = {
  server: 'Server',
  demo: 'Demo',
  kafka: 'Kafka',
  registry: 'Schema registry',
  ingest: 'Ingest',
  store: 'Store and embedded log',
  query: 'Queries',
  live: 'Live events',
  archive: 'Archive',
  log: 'Log',
} as const satisfies Record<SettingSpec['section'], string>;

/** The page `docs/settings.md`: a test fails when it is stale. */
export function settingsPage(): string {
  const lines = [
    '# Settings',
    '',
    'Made from the one table in `config/settings-table.ts` by `jg config docs`; do not edit.',
    '',
    'Flags (`--port 4100`) win over the environment (`JG_PORT=4100`), which wins over files (`--config FILE`, and',
    '`journey-graph.yaml` where the command starts), which win over defaults. `--kafka.properties FILE` reads a Kafka',
    'client.properties file. Sizes take KiB, MiB, GiB, kB, MB, GB; durations ms, s, m, h, d. Unknown names are refused.',
  ];
  for (const [section, title] of Object.entries(sections)) {
    lines.push(
      '',
      `## ${title}`,
      '',
      '| setting | default | what it takes | what for |',
      '| --- | --- | --- | --- |',
    );
    for (const [name, spec] of settingSpecs) {
      if (spec.section !== section) continue;
      const fallback = valueText(spec.default);
      const aliases = environmentNames(name, spec).slice(1);
      const also =
        aliases.length === 0 ? '' : ` Also from ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`;
      lines.push(
        `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${takes(spec)} | ${spec.description}${also} |`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What a setting takes, in a few words. */
export function takes(spec: SettingSpec): string {
  switch (spec.kind) {
    case 'text':
      return spec.secret === true ? 'text, secret' : 'text';
    case 'list':
      return 'names, comma separated';
    case 'flag':
      return 'true, false';
    case 'choice':
      return spec.choices.join(', ');
    case 'number':
      return `${spec.unit}, ${spec.min} to ${spec.max}`;
    default:
      return unreachable(spec);
  }
}
