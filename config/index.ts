export { readArchiveRetention } from './archive-retention.ts';
export {
  defaultToProduction,
  registryAddressFromProcess,
  type SettingFlags,
  samplingSettingsFromProcess,
  serverAddressFromProcess,
  settingsFromProcess,
  terminalEnvironment,
} from './environment.ts';
export { type HopLimit, readHopLimits } from './hop-limits.ts';
export {
  type LoadedSettings,
  loadServerAddress,
  loadSettings,
  type SamplingSettings,
  type SettingsInput,
} from './load-settings.ts';
export { isLoopback, takesJwt } from './relations.ts';
export type { SettingSpec } from './setting-spec.ts';
export { type SettingName, type Settings, settingSpecs } from './settings-table.ts';
export {
  type ShownSetting,
  secretValues,
  settingsPage,
  showSettings,
  takes,
  valueText,
} from './settings-text.ts';
