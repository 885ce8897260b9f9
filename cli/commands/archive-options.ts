import type { Command } from 'commander';
import { type Settings, settingsFromProcess } from '../../config/index.ts';
import { addSettingFlags, settingFlags } from '../setting-flags.ts';

const shown = new Set([
  'data',
  'bootstrap.servers',
  'topics',
  'schema.registry.url',
  'archive.warehouse',
  'archive.namespace',
  'archive.topics',
  'archive.catalog.url',
]);

export interface ArchiveOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly dryRun?: boolean;
}

/** A command that takes every setting; its help shows those that say where events and archive are. */
export function addArchiveFlags(command: Command): Command {
  return addSettingFlags(command, shown).option('--json', 'One JSON object.');
}

export function archiveSettings(command: Command): Settings {
  return settingsFromProcess(settingFlags(command)).settings;
}
