import { countText } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';

const everyMs = 500;
const startOfEmptyLine = '\r\x1b[K';

/** How far a long piece of work is, in one line of a terminal that updates in place; nothing where there is none. */
export class ProgressLine {
  readonly #io: CommandIo;
  readonly #startedMs: number;
  readonly #isShown: boolean;
  #saidMs: number;
  #hasSaid = false;

  constructor(io: CommandIo, quiet: boolean) {
    this.#io = io;
    this.#startedMs = io.clock.now();
    this.#saidMs = this.#startedMs;
    this.#isShown = io.errIsTerminal && !quiet;
  }

  /** Cheap to call often. */
  showRows(what: string, rows: number): void {
    this.#show(what, rows, (count) => `${countText(count)} rows`);
  }

  showBytes(what: string, bytes: number): void {
    this.#show(what, bytes, megabytes);
  }

  /** Of virtual time, in minutes. */
  showMinutes(what: string, minutes: number): void {
    this.#show(what, minutes, (count) => `${countText(count)} min`);
  }

  showLetters(what: string, letters: number): void {
    this.#show(what, letters, (count) => `${countText(count)} letters`);
  }

  showDevices(what: string, devices: number): void {
    this.#show(what, devices, (count) => `${countText(count)} devices`);
  }

  #show(what: string, count: number, textOf: (count: number) => string): void {
    const nowMs = this.#io.clock.now();
    if (!this.#isShown || nowMs - this.#saidMs < everyMs) return;
    this.#saidMs = nowMs;
    this.#hasSaid = true;
    const perSecond = (count * 1000) / Math.max(1, nowMs - this.#startedMs);
    this.#io.err(`${startOfEmptyLine}${what}: ${textOf(count)} · ${textOf(perSecond)}/s`);
  }

  /** Clears the line: what is said next has a place of its own. */
  end(): void {
    if (this.#hasSaid) this.#io.err(startOfEmptyLine);
    this.#hasSaid = false;
  }

  get elapsedMs(): number {
    return this.#io.clock.now() - this.#startedMs;
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })} MB`;
}
