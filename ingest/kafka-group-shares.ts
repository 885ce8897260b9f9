import { AssignerProtocol, type GroupDescription } from 'kafkajs';
import type { Clock } from '../foundation/index.ts';
import { kafkaError } from './kafka-error.ts';

/** What is asked of a consumer. */
interface GroupTeller {
  describeGroup(): Promise<GroupDescription>;
}

/**
 * Notices partitions of a topic that its group has given to nobody, and that nobody is going to share out.
 *
 * In a group of static members a restart shares nothing out. Who comes back as the leader knows the partitions that were added while it was
 * away, so it misses none of them, and no other member may ask for a rebalance: those partitions would lie there until a member
 * leaves. (Java's client has the same trouble below JoinGroup 9, which kafkajs does not speak.) While the leader was there all the time it
 * finds them by itself within `metadata.max.age.ms`, and is given so long.
 */
export class KafkaGroupShares {
  readonly #topic: string;
  readonly #patienceMs: number;
  readonly #clock: Clock;
  /** The join after which all partitions were somebody's: none is looked for again before the next. */
  #completeSince = 0;
  #asked: Promise<void> = Promise.resolve();
  #missing: { readonly join: number; readonly sinceMs: number } | null = null;

  constructor(topic: string, patienceMs: number, clock: Clock) {
    this.#topic = topic;
    this.#patienceMs = patienceMs;
    this.#clock = clock;
  }

  /**
   * @param join how often the consumer has joined
   * @param signal ends waiting for the answer: then there is none
   * @returns how many partitions have been nobody's for so long that a member should leave, to have them shared out; 0 otherwise.
   * @throws what `kafkaError` makes of a question that failed.
   */
  async lost(consumer: GroupTeller, join: number, partitions: number, signal: AbortSignal): Promise<number> {
    if (join === 0 || join === this.#completeSince) return 0;
    const topic = this.#topic;
    const asking = consumer.describeGroup();
    this.#asked = asking.then(
      () => undefined,
      () => undefined,
    );
    const group = await unlessAborted(asking, signal).catch((error: unknown) => {
      throw kafkaError(error, `look at the group of topic "${topic}"`, { topic });
    });
    // Not settled: whatever comes out of it, the next look sees.
    if (group?.state !== 'Stable') return 0;
    const missing = partitions - givenOut(group, topic, partitions);
    if (missing <= 0) {
      this.#completeSince = join;
      this.#missing = null;
      return 0;
    }
    const now = this.#clock.now();
    if (this.#missing?.join !== join) this.#missing = { join, sinceMs: now };
    return now - this.#missing.sinceMs >= this.#patienceMs ? missing : 0;
  }

  /** Resolves when nothing is being asked; never rejects. kafkajs would connect a consumer again that was closed meanwhile. */
  idle(): Promise<void> {
    return this.#asked;
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) return null;
  const aborted = Promise.withResolvers<null>();
  const abort = (): void => aborted.resolve(null);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Of those that the topic has: it may have had more. */
function givenOut(group: GroupDescription, topic: string, partitions: number): number {
  const given = new Set<number>();
  for (const { memberAssignment } of group.members) {
    const shares = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {};
    for (const partition of shares[topic] ?? []) if (partition < partitions) given.add(partition);
  }
  return given.size;
}
