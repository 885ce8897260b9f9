import type { Broadcast, Cursor } from '../../device/index.ts';
import { must } from '../../foundation/index.ts';
import type { DeliveryReport, History, LinkListener, RouterLink } from '../ports.ts';
import type { AttachedGateway, Router } from './router.ts';

/** The way to the router of this process: calls, nothing else. */
export class InProcessLink implements RouterLink {
  readonly #router: Router;
  readonly #gateway: string;
  readonly #socketsMax: number;
  #attached: AttachedGateway | null = null;

  constructor(router: Router, gateway: string, socketsMax: number) {
    this.#router = router;
    this.#gateway = gateway;
    this.#socketsMax = socketsMax;
  }

  listen(listener: LinkListener): void {
    this.#attached = this.#router.attach(this.#gateway, 'this process', listener, {
      socketsMax: this.#socketsMax,
    });
  }

  async subscribe(event: string, after: Cursor): Promise<Broadcast | null> {
    return await this.#gatewayThere().subscribe(event, after);
  }

  unsubscribe(event: string): void {
    this.#gatewayThere().unsubscribe(event);
  }

  holds(event: string, sockets: number): void {
    this.#gatewayThere().holds(event, sockets);
  }

  async history(event: string, after: Cursor): Promise<History> {
    return await this.#gatewayThere().history(event, after);
  }

  report(report: DeliveryReport): void {
    this.#router.report(report);
  }

  /** The gateway has gone. */
  close(): void {
    this.#attached?.detach();
  }

  #gatewayThere(): AttachedGateway {
    return must(this.#attached, 'a link is listened to before it is used');
  }
}
