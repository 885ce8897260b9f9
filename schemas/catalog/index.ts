import { readFile } from 'node:fs/promises';

/** One version of one subject of the bundled catalog. */
export interface CatalogSchema {
  /** The Avro record's short name, such as `PlaybackStarted`. */
  readonly name: string;
  readonly domain: string;
  readonly topic: string;
  /** `<topic>-value`. */
  readonly subject: string;
  /** The schema's JSON text, its `graph` attribute included. */
  readonly text: string;
}

/**
 * Files of a topic are its subject's versions, oldest first. Records in the log name the schema they were written with,
 * so a file that has been released is never edited: a change is another file at the end of its list.
 */
const manifest = [
  {
    name: 'AccountUpdated',
    domain: 'identity',
    topic: 'identity.account',
    files: ['identity-account-updated.avsc'],
  },
  { name: 'DeviceSignedIn', domain: 'devices', topic: 'devices.sign-in', files: ['devices-signed-in.avsc'] },
  {
    name: 'PlaybackStarted',
    domain: 'streaming',
    topic: 'streaming.playback',
    files: ['streaming-playback-started.avsc'],
  },
  {
    name: 'PlaybackStopped',
    domain: 'streaming',
    topic: 'streaming.playback-stopped',
    files: ['streaming-playback-stopped.avsc'],
  },
  { name: 'GameLaunched', domain: 'games', topic: 'games.launch', files: ['games-launched.avsc'] },
  { name: 'LiveEventInvited', domain: 'live', topic: 'live.invitation', files: ['live-invited.avsc'] },
  { name: 'LiveEventJoined', domain: 'live', topic: 'live.attendance', files: ['live-joined.avsc'] },
  {
    name: 'LiveEventReacted',
    domain: 'live',
    topic: 'live.reaction',
    files: ['live-reacted.avsc'],
  },
  {
    name: 'ProfileChanged',
    domain: 'identity',
    topic: 'identity.profile',
    files: ['identity-profile-changed.avsc'],
  },
  {
    name: 'InvoicePaid',
    domain: 'identity',
    topic: 'identity.invoice',
    files: ['identity-invoice-paid.avsc'],
  },
  { name: 'Searched', domain: 'streaming', topic: 'streaming.search', files: ['streaming-searched.avsc'] },
  {
    name: 'TitleRated',
    domain: 'streaming',
    topic: 'streaming.rating',
    files: ['streaming-title-rated.avsc'],
  },
  {
    name: 'GameSessionEnded',
    domain: 'games',
    topic: 'games.session',
    files: ['games-session-ended.avsc'],
  },
  { name: 'Envelope', domain: 'titles', topic: 'titles.changes', files: ['titles-changed.avsc'] },
  { name: 'AdShown', domain: 'ads', topic: 'ads.impression', files: ['ads-shown.avsc'] },
  { name: 'AdClicked', domain: 'ads', topic: 'ads.click', files: ['ads-clicked.avsc'] },
] as const;

/** Reads the bundled schemas: subjects in catalog order, a subject's versions oldest first. */
export async function loadCatalog(): Promise<readonly CatalogSchema[]> {
  const versions = manifest.flatMap((entry) => entry.files.map((file) => ({ ...entry, file })));
  return Promise.all(
    versions.map(async ({ name, domain, topic, file }) => ({
      name,
      domain,
      topic,
      subject: `${topic}-value`,
      text: await readFile(new URL(file, import.meta.url), 'utf8'),
    })),
  );
}
