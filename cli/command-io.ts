import type { Clock, Random } from '../foundation/index.ts';

/** What a command may touch of the outside, so that each can be run in a test. */
export interface CommandIo {
  /** Data: what a pipe would want. */
  out(text: string): void;
  /** Messages: what a person wants to know meanwhile. */
  err(text: string): void;
  readStdin(): Promise<string>;
  /** True when standard output is a terminal that takes control sequences. */
  readonly outIsTerminal: boolean;
  /** How many characters a line of that terminal holds now; people resize it. */
  outColumns(): number;
  readonly errIsTerminal: boolean;
  readonly color: boolean;
  /** Aborts when the process was asked to end (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: () => string;
}

/** Documented in docs/cli.md. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, stopped: 3, portInUse: 4, loss: 5 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Control characters of a hostile value must not reach a terminal as such: neither its commands nor what turns text around. */
export function printable(text: string): string {
  let result = '';
  for (const character of text.toWellFormed()) {
    const code = character.codePointAt(0) ?? 0;
    result += actsOnTerminals(code) ? `\\u${code.toString(16).padStart(4, '0')}` : character;
  }
  return result;
}

/** The same for a text of lines that are ours. JSON stays the same JSON: only strings in it can hold such characters. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

function actsOnTerminals(code: number): boolean {
  const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const breaksLines = code === 0x2028 || code === 0x2029;
  const turnsAround = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
  return isControl || breaksLines || turnsAround;
}
