import type { CommandIo } from './command-io.ts';

const startOfEmptyLine = '\r\x1b[K';

/** One line of standard error that updates in place, cut to the terminal; where it is none, a line now and then. */
export class StatusLine {
  readonly #io: CommandIo;
  readonly #isQuiet: boolean;
  readonly #lineEveryMs: number;
  #saidMs = Number.NEGATIVE_INFINITY;
  #hasSaid = false;

  constructor(io: CommandIo, isQuiet: boolean, lineEveryMs: number) {
    this.#io = io;
    this.#isQuiet = isQuiet;
    this.#lineEveryMs = lineEveryMs;
  }

  show(text: string): void {
    if (this.#isQuiet) return;
    if (this.#io.errIsTerminal) {
      this.#io.err(`${startOfEmptyLine}${[...text].slice(0, this.#io.outColumns() - 1).join('')}`);
      this.#hasSaid = true;
      return;
    }
    const nowMs = this.#io.clock.now();
    if (nowMs - this.#saidMs < this.#lineEveryMs) return;
    this.#saidMs = nowMs;
    this.#io.err(`${text}\n`);
  }

  /** Clears the line: what is said next has a place of its own. */
  end(): void {
    if (this.#hasSaid) this.#io.err(startOfEmptyLine);
    this.#hasSaid = false;
  }
}
