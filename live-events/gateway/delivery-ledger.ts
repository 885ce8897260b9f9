import type { Cursor } from '../../device/index.ts';
import type { Clock } from '../../foundation/index.ts';
import type { DeliveryReport } from '../ports.ts';
import { DeliveryColumns } from './delivery-columns.ts';

/** Those kept for the next pages: of two broadcasts, sent and applied. */
const spareColumnsMax = 4;

/** What happened to one broadcast since the last report. */
export interface LedgerPage extends Cursor {
  readonly event: string;
  readonly sent: DeliveryColumns;
  readonly applied: DeliveryColumns;
  readonly dropped: string[];
}

export interface LedgerLimits {
  readonly reportDeliveriesMax: number;
  readonly reportPendingMax: number;
}

/** Collects deliveries, and reports them in batches. More than the bound are reported at once: late figures are better than none. */
export class DeliveryLedger {
  readonly #gateway: string;
  readonly #limits: LedgerLimits;
  readonly #clock: Clock;
  readonly #report: (report: DeliveryReport) => void;
  readonly #spare: DeliveryColumns[] = [];
  #pages = new Map<string, LedgerPage>();

  constructor(gateway: string, limits: LedgerLimits, clock: Clock, report: (report: DeliveryReport) => void) {
    this.#gateway = gateway;
    this.#limits = limits;
    this.#clock = clock;
    this.#report = report;
  }

  /** Good until something else has its turn: a flush replaces it. */
  page(event: string, { epoch, sequence }: Cursor): LedgerPage {
    const key = `${event} ${epoch}.${sequence}`;
    let page = this.#pages.get(key);
    if (page === undefined) {
      if (this.pending >= this.#limits.reportPendingMax) this.#reportAll();
      page = {
        event,
        epoch,
        sequence,
        sent: this.#columns(),
        applied: this.#columns(),
        dropped: [],
      };
      this.#pages.set(key, page);
    } else if (page.sent.length + page.applied.length >= this.#limits.reportPendingMax) {
      this.#reportAll();
      return this.page(event, { epoch, sequence });
    }
    return page;
  }

  get pending(): number {
    let pending = 0;
    for (const { sent, applied, dropped } of this.#pages.values())
      pending += sent.length + applied.length + dropped.length;
    return pending;
  }

  /** Reports what there is; between two batches other work gets its turn. */
  async flush(): Promise<void> {
    for (const report of this.#reports()) {
      this.#report(report);
      await this.#clock.sleep(0);
    }
  }

  #reportAll(): void {
    for (const report of this.#reports()) this.#report(report);
  }

  *#reports(): Generator<DeliveryReport> {
    const pages = this.#pages;
    this.#pages = new Map();
    const size = this.#limits.reportDeliveriesMax;
    for (const { event, epoch, sequence, sent, applied, dropped } of pages.values()) {
      const length = Math.max(sent.length, applied.length, dropped.length);
      for (let from = 0; from < length; from += size) {
        yield {
          gateway: this.#gateway,
          event,
          epoch,
          sequence,
          sent: sent.slice(from, size),
          applied: applied.slice(from, size),
          dropped: dropped.slice(from, from + size),
        };
      }
      this.#recycle(sent);
      this.#recycle(applied);
    }
  }

  #columns(): DeliveryColumns {
    return this.#spare.pop() ?? new DeliveryColumns();
  }

  #recycle(columns: DeliveryColumns): void {
    columns.clear();
    if (this.#spare.length < spareColumnsMax) this.#spare.push(columns);
  }
}
