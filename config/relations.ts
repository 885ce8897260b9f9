import { readArchiveRetention } from './archive-retention.ts';
import { readHopLimits } from './hop-limits.ts';
import { liveSettings } from './live-settings.ts';
import type { SettingName, Settings } from './settings-table.ts';

const loopback = /^(localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** True when only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

interface Relation {
  /** The setting to change first: its name leads the message. */
  readonly of: SettingName;
  readonly holds: (settings: Settings) => boolean;
  readonly problem: string;
}

/** Of an address whose form was checked. */
const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1).trim();

const sasl = (settings: Settings): boolean => settings['security.protocol'].startsWith('SASL');

/** True when callers may send JWTs. */
export function takesJwt(settings: Settings): boolean {
  return settings['api.jwt.jwks.url'] !== null || settings['api.jwt.key.file'] !== null;
}

const jwtAlgorithm = /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/;

function isSafeUrl(text: string | null): boolean {
  const url = text === null ? null : URL.parse(text);
  return url === null || url.protocol === 'https:' || isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
}

const bucketAddress = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[^/]+)*\/?$/;

function isS3(warehouse: string | null): boolean {
  return /^[a-z0-9]+:\/\//i.test(warehouse ?? '');
}

/** What Kafka takes for names of topics and of instances. */
function isKafkaName(text: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(text) && text !== '.' && text !== '..';
}

/** What must hold between settings that are each fine by themselves. */
const relations: readonly Relation[] = [
  {
    of: 'host',
    holds: (s) => isLoopback(s.host) || s['api.token'] !== null || takesJwt(s),
    problem: 'listens beyond this machine, which needs `api.token` or JWTs (`api.jwt.jwks.url`)',
  },
  {
    of: 'api.jwt.jwks.url',
    holds: (s) => s['api.jwt.jwks.url'] === null || s['api.jwt.key.file'] === null,
    problem: 'and `api.jwt.key.file` exclude each other',
  },
  {
    of: 'api.jwt.jwks.url',
    holds: (s) => isSafeUrl(s['api.jwt.jwks.url']),
    problem: 'must be https: whoever can change the keys on their way can make tokens',
  },
  {
    of: 'api.jwt.issuer',
    holds: (s) => takesJwt(s) === (s['api.jwt.issuer'] !== null && s['api.jwt.audience'] !== null),
    problem:
      'and `api.jwt.audience` must be set together with `api.jwt.jwks.url` or `api.jwt.key.file`: a token for another service is none for this one',
  },
  {
    of: 'api.jwt.algorithms',
    holds: (s) =>
      s['api.jwt.algorithms'].length > 0 && s['api.jwt.algorithms'].every((name) => jwtAlgorithm.test(name)),
    problem: 'takes RS, PS or ES with 256, 384 or 512, EdDSA and Ed25519',
  },
  {
    of: 'api.policy.file',
    holds: (s) => s['api.policy.file'] === null || takesJwt(s),
    problem: 'is about callers with a JWT, who need `api.jwt.jwks.url` or `api.jwt.key.file`',
  },
  {
    of: 'heartbeat.interval.ms',
    holds: (s) => s['heartbeat.interval.ms'] * 3 <= s['session.timeout.ms'],
    problem: 'must be at most a third of `session.timeout.ms`, or one lost heartbeat loses the partitions',
  },
  {
    of: 'group.instance.id',
    holds: (s) => s['group.instance.id'] === null || isKafkaName(s['group.instance.id']),
    problem: 'takes 1 to 249 letters, digits, `.`, `_` and `-`, and is neither `.` nor `..`',
  },
  {
    of: 'fetch.max.bytes',
    holds: (s) => s['max.partition.fetch.bytes'] <= s['fetch.max.bytes'],
    problem: 'must not be below `max.partition.fetch.bytes`',
  },
  {
    of: 'batch.bytes.max',
    holds: (s) => s['batch.bytes.max'] <= s['inflight.bytes.max'],
    problem: 'must not exceed `inflight.bytes.max`: such a batch could never be sent',
  },
  {
    of: 'retry.backoff.ms',
    holds: (s) => s['retry.backoff.ms'] <= s['retry.backoff.max.ms'],
    problem: 'must not exceed `retry.backoff.max.ms`',
  },
  {
    of: 'query.page.default',
    holds: (s) => s['query.page.default'] <= s['query.page.max'],
    problem: 'must not exceed `query.page.max`',
  },
  {
    of: 'query.scan.rows.max',
    holds: (s) => s['query.page.max'] <= s['query.scan.rows.max'],
    problem: 'must not be below `query.page.max`: a full page could never be read',
  },
  {
    of: 'query.budget.rows',
    holds: (s) => s['query.scan.rows.max'] <= s['query.budget.rows'],
    problem: 'must not be below `query.scan.rows.max`: no journey could ever be asked for',
  },
  {
    of: 'api.operations.only',
    holds: (s) => !s['api.operations.only'] || s['api.operations.file'] !== null,
    problem: 'needs `api.operations.file`: every operation would be refused',
  },
  {
    of: 'query.hop.limits',
    holds: (s) => readHopLimits(s['query.hop.limits']) !== null,
    problem:
      'takes one for each depth or edge type, such as `3=100`, `WATCHED=500/30d` or `USED=/365d`: 1 to 10,000 edges, a lookback of 1 s to 36,500 days',
  },
  {
    of: 'sasl.mechanism',
    holds: (s) => !sasl(s) || s['sasl.mechanism'] !== 'none',
    problem: 'must be set when `security.protocol` says SASL',
  },
  {
    of: 'sasl.username',
    holds: (s) => !sasl(s) || (s['sasl.username'] !== null && s['sasl.password'] !== null),
    problem: 'and `sasl.password` must be set when `security.protocol` says SASL',
  },
  {
    of: 'security.protocol',
    holds: (s) => sasl(s) || (s['sasl.mechanism'] === 'none' && s['sasl.password'] === null),
    problem: 'must be SASL_SSL or SASL_PLAINTEXT when SASL credentials are set: they would never be sent',
  },
  {
    of: 'ssl.key.location',
    holds: (s) => (s['ssl.key.location'] === null) === (s['ssl.certificate.location'] === null),
    problem: 'and `ssl.certificate.location` go together',
  },
  {
    of: 'topics',
    holds: (s) => s['bootstrap.servers'] === null || s.topics.length > 0,
    problem: 'must name what to read when `bootstrap.servers` is set',
  },
  {
    of: 'schema.registry.url',
    holds: (s) => s['bootstrap.servers'] === null || s['schema.registry.url'] !== null,
    problem: 'must be set when `bootstrap.servers` is set: events name their schemas there',
  },
  {
    of: 'neo4j.uri',
    holds: (s) => s.store !== 'neo4j' || s['neo4j.uri'] !== null,
    problem: 'must be set when `store` is neo4j',
  },
  {
    of: 'neo4j.namespace',
    holds: (s) => /^[A-Za-z0-9_-]{1,32}$/.test(s['neo4j.namespace']),
    problem: 'takes 1 to 32 letters, digits, `_` and `-`',
  },
  {
    of: 'archive.warehouse',
    holds: (s) => !isS3(s['archive.warehouse']) || bucketAddress.test(s['archive.warehouse'] ?? ''),
    problem: 'takes a folder or `s3://bucket/prefix`',
  },
  {
    of: 'archive.s3.access.key.id',
    holds: (s) =>
      !isS3(s['archive.warehouse']) ||
      (s['archive.s3.access.key.id'] !== null && s['archive.s3.secret.access.key'] !== null),
    problem:
      'and `archive.s3.secret.access.key` must be set when `archive.warehouse` is a bucket (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment)',
  },
  {
    of: 'archive.s3.endpoint',
    holds: (s) => URL.parse(s['archive.s3.endpoint'] ?? 'http://none/')?.pathname === '/',
    problem: 'must not have a path: `archive.warehouse` says where in the store',
  },
  {
    of: 'archive.catalog.token',
    holds: (s) => s['archive.catalog.token'] === null || isSafeUrl(s['archive.catalog.url']),
    problem: 'is sent to `archive.catalog.url`, which must be https: whoever is on the way could read it',
  },
  {
    of: 'archive.namespace',
    holds: (s) => /^[A-Za-z0-9_-]{1,64}$/.test(s['archive.namespace']),
    problem: 'takes 1 to 64 letters, digits, `_` and `-`',
  },
  {
    of: 'archive.retention',
    holds: (s) => readArchiveRetention(s['archive.retention']) !== null,
    problem: 'takes one for each topic, such as `playback-events=365d`, or `*=90d`: 1 to 36,500 days',
  },
  {
    of: 'archive.snapshots.ms',
    holds: (s) => s['archive.snapshots.ms'] >= 2 * s['archive.commit.ms'],
    problem:
      'must be at least twice `archive.commit.ms`: expiry would remove files that are written and not committed yet',
  },
  {
    of: 'cassandra.contact.points',
    holds: (s) => s.store !== 'cassandra' || s['cassandra.contact.points'] !== null,
    problem: 'must be set when `store` is cassandra',
  },
  {
    of: 'cassandra.contact.points',
    holds: (s) => new Set(s['cassandra.contact.points']?.split(',').map(portOf)).size <= 1,
    problem:
      'must have one port: the other nodes are looked for at it, since they tell of each other without',
  },
  {
    of: 'cassandra.keyspace',
    holds: (s) => /^[a-z][a-z0-9_]{0,47}$/.test(s['cassandra.keyspace']),
    problem: 'takes 1 to 48 lower-case letters, digits and `_`, and begins with a letter',
  },
  {
    of: 'cassandra.tls.key.location',
    holds: (s) =>
      (s['cassandra.tls.key.location'] === null) === (s['cassandra.tls.certificate.location'] === null),
    problem: 'and `cassandra.tls.certificate.location` go together',
  },
  {
    of: 'cassandra.tls',
    holds: (s) =>
      s['cassandra.tls'] ||
      (s['cassandra.tls.ca.location'] === null && s['cassandra.tls.certificate.location'] === null),
    problem: 'must be on when its files are set: they would never be used',
  },
  {
    of: 'live.drain.ms',
    // The default gives way by itself: most processes have no devices.
    holds: (s) =>
      s['live.drain.ms'] === liveSettings['live.drain.ms'].default ||
      s['live.drain.ms'] * 2 <= s['shutdown.timeout.ms'],
    problem:
      'must be at most half of `shutdown.timeout.ms`: sending devices away is a part of a stop, and what comes behind it would be abandoned each time',
  },
  {
    of: 'demo',
    holds: (s) => s.demo !== 'on' || s['bootstrap.servers'] === null,
    problem: 'plays into the embedded log only: leave out `bootstrap.servers`',
  },
];

/**
 * A relation says nothing while a setting that it looks at was refused by itself.
 *
 * @returns a sentence for each relation that does not hold, led by where somebody wrote one of its settings.
 */
export function relationProblems(
  settings: Settings,
  origins: ReadonlyMap<string, string>,
  refused: ReadonlySet<string>,
): string[] {
  const problems: string[] = [];
  for (const { of, holds, problem } of relations) {
    const read = new Set<string>([of]);
    if (holds(noting(settings, read)) || [...read].some((name) => refused.has(name))) continue;
    const origin = [...read].map((name) => origins.get(name) ?? 'default').find((at) => at !== 'default');
    problems.push(`${origin ?? 'default'}: ${of} ${problem}`);
  }
  return problems;
}

/** The settings, noting which of them are looked at: so a relation cannot forget to say it. */
function noting(settings: Settings, read: Set<string>): Settings {
  return new Proxy(settings, {
    get: (target, name) => {
      read.add(String(name));
      return Reflect.get(target, name);
    },
  });
}
