import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { must, systemClock } from '../foundation/index.ts';
import { createTopic, produce } from '../ingest/kafka-testing.ts';
import { ConfluentRegistry, EventEncoder, loadCatalog, registryHttpLimitsDefault } from '../schemas/index.ts';
import { describeWith, type KafkaBroker, startKafka, startTimeoutMs } from './services/index.ts';

const main = join(import.meta.dirname, '..', 'cli', 'main.ts');
const topic = 'secured.account';
const accounts = 50;
const password = 'canary-of-the-right-password';

interface Output {
  readonly code: number | null;
  readonly text: string;
}

/** One run of `jg up`, which hears of its secrets from the environment alone. */
class SecuredProduct {
  readonly #child;
  readonly #ended: Promise<unknown>;
  readonly #watchers = new Set<() => void>();
  text = '';

  constructor(broker: KafkaBroker, registryUrl: string, dataFolder: string, saslPassword: string) {
    const flags = {
      port: '0',
      data: dataFolder,
      topics: topic,
      'bootstrap.servers': broker.addressOf('SECURE'),
      'schema.registry.url': registryUrl,
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.username': 'reader',
      'ssl.ca.location': must(broker.caFile, 'a TLS listener'),
      'log.level': 'debug',
      'log.format': 'json',
    };
    this.#child = spawn(
      process.execPath,
      [main, 'up', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, JG_SASL_PASSWORD: saslPassword } },
    );
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
        for (const watch of this.#watchers) watch();
      });
    }
  }

  /** Resolves with what is found in its output as soon as it is there; rejects when the product ends without. */
  async says(what: string, find: () => string | undefined): Promise<string> {
    const found = new Promise<string>((resolve) => {
      const watch = (): void => {
        const match = find();
        if (match !== undefined) resolve(match);
      };
      this.#watchers.add(watch);
      watch();
    });
    const ended = this.#ended.then(() => {
      throw new Error(`The product ended without saying ${what}:\n${this.text}`);
    });
    return Promise.race([found, ended]);
  }

  url(): Promise<string> {
    return this.says('where it listens', () => /(http:\/\/[^\s"/]+)\//.exec(this.text)?.[1]);
  }

  /** Messages of the log's lines of that level, oldest first. */
  logged(level: 'warn' | 'error'): readonly string[] {
    const whole = this.text.slice(0, this.text.lastIndexOf('\n') + 1);
    const lines = whole.split('\n').filter((line) => line.startsWith('{'));
    const records = lines.map((line): { level: string; msg: string } => JSON.parse(line));
    return records.filter((record) => record.level === level).map(({ msg }) => msg);
  }

  async stop(): Promise<Output> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    return { code: this.#child.exitCode, text: this.text };
  }
}

/** `jg status` of a running product. */
async function status(url: string): Promise<Output> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, 'status', '--url', url], (_error, out, err) =>
      resolve({ code: child.exitCode, text: out + err }),
    );
  });
}

async function ask(url: string, query: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

async function writeAccounts(bootstrapServers: string, registryUrl: string): Promise<void> {
  const bundled = (await loadCatalog()).find(({ name }) => name === 'AccountUpdated');
  const registry = new ConfluentRegistry({
    url: registryUrl,
    limits: registryHttpLimitsDefault,
    clock: systemClock,
  });
  const { schema } = await registry.register(`${topic}-value`, must(bundled, 'in the catalog').text);
  await registry.close();
  const encoder = new EventEncoder(schema.id, schema.text);
  const messages = Array.from({ length: accounts }, (_, index) => ({
    key: `account-${index}`,
    value: encoder.encode({
      eventId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      occurredAt: BigInt(Date.UTC(2026, 10, 1)) + BigInt(index),
      accountId: `account-${index}`,
      country: 'DE',
      plan: 'STANDARD',
      profiles: 2,
      memberSince: 1_500_000_000n,
    }),
  }));
  await produce(bootstrapServers, topic, messages);
}

describeWith('java', 'registry')('jg up on a cluster behind SASL_SSL', (services) => {
  let broker: KafkaBroker;
  let folder: string;
  let products: SecuredProduct[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'journey-graph-secured-'));
    broker = await startKafka({
      listeners: [{ name: 'SECURE', protocol: 'SASL_SSL', mechanisms: ['SCRAM-SHA-512'] }],
      users: [{ name: 'reader', password }],
    });
    await createTopic(broker.bootstrapServers, topic, 2);
    await writeAccounts(broker.bootstrapServers, services.registryUrl);
  }, startTimeoutMs);
  afterEach(async () => {
    for (const product of products) await product.stop();
    products = [];
  });
  afterAll(async () => {
    await broker.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (name: string, saslPassword: string): SecuredProduct => {
    const product = new SecuredProduct(broker, services.registryUrl, join(folder, name), saslPassword);
    products.push(product);
    return product;
  };

  it('applies what it reads with SCRAM-SHA-512, without a word of trouble', async () => {
    const product = start('right', password);
    const url = await product.url();
    const query = '{ status { topics { state lag consumed applied reason } } }';
    const counts = async (): Promise<{ applied: number; states: readonly string[] }> => {
      const answer: { data: { status: { topics: { state: string; applied: number }[] } } } = JSON.parse(
        JSON.stringify(await ask(url, query)),
      );
      const { topics } = answer.data.status;
      const applied = topics.reduce((sum, row) => sum + Number(row.applied), 0);
      return { applied, states: topics.map(({ state }) => state) };
    };
    await expect
      .poll(counts, { timeout: 60_000, interval: 200 })
      .toEqual({ applied: accounts, states: ['RUNNING', 'RUNNING'] });
    expect(await ask(url, '{ node(type: "Account", id: "account-7") { properties } }')).toMatchObject({
      data: { node: { properties: { plan: 'STANDARD' } } },
    });
    expect((await status(url)).code).toBe(0);
    const output = await product.stop();
    expect(output.code).toBe(0);
    expect(product.logged('warn')).toEqual([]);
    expect(product.logged('error')).toEqual([]);
    expect(output.text).not.toContain('canary');
  });

  it('stops the topic at a wrong password with one sentence, goes on answering, and shows no secret', async () => {
    const wrong = 'canary-of-a-wrong-password';
    const product = start('wrong', wrong);
    const url = await product.url();
    const said = await product.says('why it stopped', () => product.logged('error')[0]);
    expect(said).toBe(
      `The pipeline of topic ${topic} stopped: Could not look up topic "${topic}": Kafka refused the login. Check sasl.mechanism, sasl.username and sasl.password.`,
    );
    expect(await ask(url, '{ status { topics { topic state reason applied } } }')).toEqual({
      data: { status: { topics: [{ topic, state: 'STOPPED', reason: said, applied: 0 }] } },
    });
    const shown = await status(url);
    expect(shown.code).toBe(3);
    expect(shown.text).toContain(said);
    const output = await product.stop();
    expect(output.code).toBe(0);
    expect(product.logged('error').filter((line) => line === said)).toHaveLength(1);
    // Live events use the same cluster; each part says it once.
    expect(product.logged('warn').toSorted()).toEqual([
      'Broadcasts cannot be read.',
      'Which gateways have subscribers could not be read; they dial in any case.',
    ]);
    expect(output.text + shown.text).not.toContain('canary');
  });
});
