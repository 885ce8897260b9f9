import type { Broadcast } from '../../device/index.ts';
import { OutageError } from '../../foundation/index.ts';
import type { BroadcastLog } from '../ports.ts';

/** Keeps what was published; `mode` says what happens to the next ones. */
export class FakeBroadcastLog implements BroadcastLog {
  readonly published: Broadcast[] = [];
  /** `lost`: it took it, but whoever published was not told. */
  mode: 'takes' | 'away' | 'lost' = 'takes';
  attempts = 0;
  /** What each waits for before it is taken or not. */
  onWay: (broadcast: Broadcast) => Promise<void> = async () => undefined;
  onPublish: (broadcast: Broadcast) => void = () => undefined;

  async publish(broadcast: Broadcast): Promise<void> {
    this.attempts += 1;
    await this.onWay(broadcast);
    if (this.mode === 'away') throw new OutageError('KAFKA_UNAVAILABLE', 'The fake log is away.');
    this.onPublish(broadcast);
    this.published.push(broadcast);
    if (this.mode === 'lost') throw new OutageError('KAFKA_UNAVAILABLE', 'The fake log did not answer.');
  }

  async subscribe(): Promise<() => Promise<void>> {
    return async () => undefined;
  }

  async close(): Promise<void> {
    this.mode = 'away';
  }
}
