import type { Settings } from '../config/index.ts';
import type { loadKafkaConnection } from '../ingest/index.ts';

type ConnectionSettings = Pick<
  Settings,
  | 'client.id'
  | 'security.protocol'
  | 'sasl.mechanism'
  | 'sasl.username'
  | 'sasl.password'
  | 'ssl.ca.location'
  | 'ssl.certificate.location'
  | 'ssl.key.location'
  | 'ssl.key.password'
>;

export function kafkaConnectionSettings(
  servers: string,
  settings: ConnectionSettings,
): Parameters<typeof loadKafkaConnection>[0] {
  const mechanism = settings['sasl.mechanism'];
  return {
    'bootstrap.servers': servers,
    'client.id': settings['client.id'],
    'security.protocol': settings['security.protocol'],
    'sasl.mechanism': mechanism === 'none' ? undefined : mechanism,
    'sasl.username': settings['sasl.username'] ?? undefined,
    'sasl.password': settings['sasl.password'] ?? undefined,
    'ssl.ca.location': settings['ssl.ca.location'] ?? undefined,
    'ssl.certificate.location': settings['ssl.certificate.location'] ?? undefined,
    'ssl.key.location': settings['ssl.key.location'] ?? undefined,
    'ssl.key.password': settings['ssl.key.password'] ?? undefined,
  };
}
