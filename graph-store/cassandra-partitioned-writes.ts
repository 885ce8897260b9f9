import { alikeRows, type CassandraConnection, type Statement } from './cassandra-connection.ts';
import type { Parameter } from './cassandra-values.ts';

/** Cassandra warns of batches beyond: of more partitions, and of more bytes. */
const batchPartitionsMax = alikeRows;
const batchBytesMax = 4_500;
/** What a row costs beside its values. */
const rowBytes = 60;

/** What of a connection is needed. */
type WriteConnection = Pick<CassandraConnection, 'placeOf' | 'write'>;

/** What is written to one partition. */
interface PartitionWrites {
  readonly routingKey: Buffer | Buffer[];
  readonly statements: Statement[];
}

/** Statements that go together. */
interface OpenBatch {
  readonly routingKey: Buffer | Buffer[];
  statements: Statement[];
  partitions: number;
  bytes: number;
}

/** Collects statements by partition. */
export class PartitionedWrites {
  readonly #partitions = new Map<string, PartitionWrites>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `name` is the routing key's as a text, for who has it already. */
  add(table: string, routingKey: Buffer | Buffer[], statement: Statement, name = nameOf(routingKey)): void {
    const key = `${table}\0${name}`;
    const known = this.#partitions.get(key);
    if (known === undefined) this.#partitions.set(key, { routingKey, statements: [statement] });
    else known.statements.push(statement);
    this.#count += 1;
  }

  /**
   * Those of the same nodes share requests, which costs a node a third of what so many requests do. Ten of one text go as one statement, which by docs/cassandra.md costs
   * the driver a quarter and a node 7 % less than ten of them in a batch. What is left over of each text is mixed.
   */
  async write(connection: WriteConnection): Promise<void> {
    const sent: Promise<void>[] = [];
    const send = ({ statements, routingKey }: OpenBatch): void => {
      sent.push(connection.write(statements, routingKey));
    };
    const rest = this.#sendAlike(connection, send);
    sendMixed(connection, rest, send);
    // All of them have an end before anybody is told: what is repeated after a failure must not meet a rest of it.
    const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Answers what is left over. */
  #sendAlike(connection: WriteConnection, send: (batch: OpenBatch) => void): PartitionWrites[] {
    const open = new Map<string, OpenBatch>();
    const rest: PartitionWrites[] = [];
    for (const { routingKey, statements } of this.#partitions.values()) {
      const place = connection.placeOf(routingKey);
      for (const statement of statements) {
        const name = place === '' ? statement.query : `${place} ${statement.query}`;
        const bytes = bytesOfStatement(statement);
        let at = open.get(name);
        if (at !== undefined && at.bytes + bytes > batchBytesMax) {
          rest.push(at);
          at = undefined;
        }
        if (at === undefined) open.set(name, { routingKey, statements: [statement], partitions: 1, bytes });
        else {
          at.statements.push(statement);
          at.bytes += bytes;
          if (at.statements.length < alikeRows) continue;
          send(at);
          open.delete(name);
        }
      }
    }
    rest.push(...open.values());
    return rest;
  }
}

function sendMixed(
  connection: WriteConnection,
  partitions: readonly PartitionWrites[],
  send: (batch: OpenBatch) => void,
): void {
  const open = new Map<string, OpenBatch>();
  for (const { routingKey, statements } of partitions) {
    const place = connection.placeOf(routingKey);
    let at = open.get(place);
    for (const statement of statements) {
      const bytes = bytesOfStatement(statement);
      if (at !== undefined && (at.bytes + bytes > batchBytesMax || at.partitions >= batchPartitionsMax)) {
        send(at);
        at = undefined;
      }
      at ??= { routingKey, statements: [], partitions: 0, bytes: 0 };
      // As if each were of another: a few are left over, and not told apart any more.
      at.partitions += 1;
      at.statements.push(statement);
      at.bytes += bytes;
    }
    if (at !== undefined) open.set(place, at);
  }
  for (const batch of open.values()) send(batch);
}

function nameOf(routingKey: Buffer | Buffer[]): string {
  const parts = Array.isArray(routingKey) ? routingKey : [routingKey];
  return parts.map((part) => part.toString('latin1')).join('\0\0');
}

function bytesOfStatement({ parameters }: Statement): number {
  let sum = rowBytes;
  for (const one of parameters) sum += sizeOf(one);
  return sum;
}

function sizeOf(parameter: Parameter): number {
  if (Buffer.isBuffer(parameter) || typeof parameter === 'string') return parameter.length;
  if (!(parameter instanceof Map)) return 8;
  let sum = 0;
  for (const [key, value] of parameter) sum += key.length + value.length + 8;
  return sum;
}
