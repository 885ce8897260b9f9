import type { CassandraConnection, Statement } from './cassandra-connection.ts';
import type { Parameter } from './cassandra-values.ts';

/** Cassandra warns of batches beyond: of more partitions, and of more bytes. */
const batchPartitionsMax = 10;
const batchBytesMax = 4_500;
/** What a row costs beside its values. */
const rowBytes = 60;

/** What is written to one partition. */
interface PartitionWrites {
  readonly routingKey: Buffer | Buffer[];
  readonly statements: Statement[];
}

/** Collects statements by partition. */
export class PartitionedWrites {
  readonly #partitions = new Map<string, PartitionWrites>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(table: string, routingKey: Buffer | Buffer[], statement: Statement): void {
    const parts = Array.isArray(routingKey) ? routingKey : [routingKey];
    const name = `${table}\0${parts.map((part) => part.toString('latin1')).join('\0\0')}`;
    const known = this.#partitions.get(name) ?? { routingKey, statements: [] };
    this.#partitions.set(name, known);
    known.statements.push(statement);
    this.#count += 1;
  }

  /**
   * Those of one partition together: one mutation for the nodes that hold it. Small partitions of the same nodes share a request, which costs a node a third of
   * what so many requests do.
   */
  async write(connection: CassandraConnection): Promise<void> {
    const open = new Map<
      string,
      { routingKey: Buffer | Buffer[]; statements: Statement[]; partitions: number; bytes: number }
    >();
    const sent: Promise<void>[] = [];
    for (const { routingKey, statements } of this.#partitions.values()) {
      const place = connection.placeOf(routingKey);
      let at = open.get(place);
      for (const [i, statement] of statements.entries()) {
        const bytes = bytesOfStatement(statement);
        if (
          at !== undefined &&
          (at.bytes + bytes > batchBytesMax || (i === 0 && at.partitions >= batchPartitionsMax))
        ) {
          sent.push(connection.write(at.statements, at.routingKey));
          at = undefined;
        }
        at ??= { routingKey, statements: [], partitions: 0, bytes: 0 };
        if (i === 0 || at.partitions === 0) at.partitions += 1;
        at.statements.push(statement);
        at.bytes += bytes;
      }
      if (at !== undefined) open.set(place, at);
    }
    for (const { statements, routingKey } of open.values())
      sent.push(connection.write(statements, routingKey));
    // All of them have an end before anybody is told: what is repeated after a failure must not meet a rest of it.
    const failed = (await Promise.allSettled(sent)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

function bytesOfStatement({ parameters }: Statement): number {
  return parameters.reduce((sum: number, one: Parameter) => sum + sizeOf(one), rowBytes);
}

function sizeOf(parameter: Parameter): number {
  if (Buffer.isBuffer(parameter) || typeof parameter === 'string') return parameter.length;
  if (!(parameter instanceof Map)) return 8;
  let sum = 0;
  for (const [key, value] of parameter) sum += key.length + value.length + 8;
  return sum;
}
