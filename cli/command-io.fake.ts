import type { CommandIo } from './command-io.ts';

/** A {@link CommandIo} that keeps what was written; stop it with `stop`. */
export interface FakeIo extends CommandIo {
  readonly written: { out: string; err: string };
  readonly stop: AbortController;
}

export function fakeIo(over: Partial<CommandIo> = {}): FakeIo {
  const written = { out: '', err: '' };
  const stop = new AbortController();
  return {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    readStdin: async () => '',
    outIsTerminal: false,
    outColumns: () => 80,
    errIsTerminal: false,
    color: false,
    signal: stop.signal,
    clock: { now: () => Date.UTC(2026, 10, 21, 20, 15), sleep: () => Promise.resolve() },
    random: () => 0.5,
    newId: () => 'id-1',
    ...over,
    written,
    stop,
  };
}
