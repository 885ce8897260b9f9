/** A SASL mechanism a listener offers. */
export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

export type ListenerProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

export interface KafkaListener {
  /** Upper case, unique among the broker's listeners, such as `SECURE`; `CONTROLLER` is taken. */
  readonly name: string;
  readonly protocol: ListenerProtocol;
  /** For the SASL protocols. */
  readonly mechanisms?: readonly SaslMechanism[];
}

export interface KafkaUser {
  readonly name: string;
  readonly password: string;
}

export interface KafkaPlan {
  readonly listeners: readonly KafkaListener[];
  readonly users: readonly KafkaUser[];
  readonly properties: Readonly<Record<string, string>>;
  readonly dataDirectory: string;
  /** Among `controllers`. */
  readonly nodeId: number;
  /** Every node of the cluster is broker and controller at once: `ID@host:port` of each. */
  readonly controllers: readonly string[];
  /** Port by listener name, `CONTROLLER` included. */
  readonly ports: ReadonlyMap<string, number>;
  /** Key store of the listeners with TLS; null when none has it. */
  readonly keyStore: { readonly file: string; readonly password: string } | null;
}

/** The text of `server.properties` of a node that is broker and controller at once. */
export function serverProperties(plan: KafkaPlan): string {
  const first = plan.listeners[0]?.name ?? '';
  const controller = `127.0.0.1:${plan.ports.get('CONTROLLER')}`;
  const addresses = plan.listeners.map(({ name }) => `${name}://127.0.0.1:${plan.ports.get(name)}`);
  const protocols = plan.listeners.map(({ name, protocol }) => `${name}:${protocol}`);
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(plan.nodeId),
    'controller.quorum.voters': plan.controllers.join(','),
    'controller.listener.names': 'CONTROLLER',
    listeners: [...addresses, `CONTROLLER://${controller}`].join(','),
    'advertised.listeners': addresses.join(','),
    'listener.security.protocol.map': [...protocols, 'CONTROLLER:PLAINTEXT'].join(','),
    'inter.broker.listener.name': first,
    'log.dirs': plan.dataDirectory,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    // A broker that comes back after kill -9 is let in only when its former life has timed out: by default 9 s.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    ...keyStoreSettings(plan),
    ...saslSettings(plan),
    ...plan.properties,
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}

function keyStoreSettings({ keyStore }: KafkaPlan): Record<string, string> {
  if (keyStore === null) return {};
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keyStore.file,
    'ssl.keystore.password': keyStore.password,
    'ssl.key.password': keyStore.password,
  };
}

function saslSettings({ listeners, users }: KafkaPlan): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const listener of listeners) {
    const mechanisms = listener.mechanisms ?? [];
    if (mechanisms.length === 0) continue;
    const prefix = `listener.name.${listener.name.toLowerCase()}`;
    settings[`${prefix}.sasl.enabled.mechanisms`] = mechanisms.join(',');
    for (const mechanism of mechanisms) {
      settings[`${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config`] = jaas(mechanism, users);
    }
  }
  return settings;
}

/** SCRAM users live in the cluster's own metadata; PLAIN ones in the listener's settings. */
function jaas(mechanism: SaslMechanism, users: readonly KafkaUser[]): string {
  if (mechanism !== 'PLAIN') return 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const entries = users.map(({ name, password }) => ` user_${name}="${password}"`).join('');
  return `org.apache.kafka.common.security.plain.PlainLoginModule required${entries};`;
}

/** Arguments of the storage tool that make users known to SCRAM before the first start. */
export function scramArguments(plan: Pick<KafkaPlan, 'listeners' | 'users'>): readonly string[] {
  const mechanisms = new Set(plan.listeners.flatMap((listener) => listener.mechanisms ?? []));
  mechanisms.delete('PLAIN');
  return [...mechanisms].flatMap((mechanism) =>
    plan.users.flatMap(({ name, password }) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
}
