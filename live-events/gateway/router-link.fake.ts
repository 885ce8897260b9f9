import type { Broadcast, Cursor } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import type { DeliveryReport, History, LinkListener, RouterLink } from '../ports.ts';

/** A router whose every answer is given by the test, when the test wants. */
export class FakeRouterLink implements RouterLink {
  readonly asked: string[] = [];
  readonly reports: DeliveryReport[] = [];
  readonly held: { readonly event: string; readonly sockets: number }[] = [];
  /** Answers for `subscribe`; an error is thrown. */
  state: () => Promise<Broadcast | null>;
  answer: (after: Cursor) => Promise<History> = async () => ({ kind: 'resync', reason: 'TOO_OLD' });
  #listener: LinkListener | null = null;

  constructor(state: () => Promise<Broadcast | null>) {
    this.state = state;
  }

  get listener(): LinkListener {
    return must(this.#listener, 'the gateway listens');
  }

  listen(listener: LinkListener): void {
    this.#listener = listener;
  }

  async subscribe(event: string): Promise<Broadcast | null> {
    this.asked.push(`subscribe ${event}`);
    return await this.state();
  }

  unsubscribe(event: string): void {
    this.asked.push(`unsubscribe ${event}`);
  }

  holds(event: string, sockets: number): void {
    this.held.push({ event, sockets });
  }

  async history(event: string, after: Cursor): Promise<History> {
    this.asked.push(`history ${event} ${after.epoch}.${after.sequence}`);
    return await this.answer(after);
  }

  report(report: DeliveryReport): void {
    this.reports.push(report);
  }
}
