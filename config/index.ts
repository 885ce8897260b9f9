export { type SettingFlags, settingsFromProcess, terminalEnvironment } from './environment.ts';
export { isSettingName, type LoadedSettings, loadSettings, type SettingsInput } from './load-settings.ts';
export { isLoopback } from './relations.ts';
export { type SettingName, type SettingSpec, type Settings, settingSpecs } from './settings-table.ts';
export { type ShownSetting, settingsPage, showSettings, takes, valueText } from './settings-text.ts';
