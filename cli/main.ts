import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { defaultToProduction, terminalEnvironment } from '../config/index.ts';
import { systemClock } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';
import { runProgram } from './program.ts';

/** What a leftover (a socket, a thread that was abandoned) may keep the process alive after the command has ended. */
const leftoverMs = 1000;
/** Terminals that don't tell their width have had this one for half a century. */
const usualColumns = 80;

/** Where the outside comes in: the streams, the signals, the clock and the dice of this process. */
function processIo(): CommandIo {
  const stop = new AbortController();
  let asked = 0;
  const onSignal = (): void => {
    stop.abort();
    asked += 1;
    // Whoever asks a third time does not want to wait; nothing durable is lost by it.
    if (asked >= 3) process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader that went away (`jg status | head`) is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      stop.abort();
    });
  }
  return {
    out: (data) => void process.stdout.write(data),
    err: (data) => void process.stderr.write(data),
    readStdin: () => text(process.stdin),
    outIsTerminal: process.stdout.isTTY === true,
    outColumns: () => process.stdout.columns || usualColumns,
    errIsTerminal: process.stderr.isTTY === true,
    color: process.stdout.isTTY === true && !terminalEnvironment().noColor,
    signal: stop.signal,
    clock: systemClock,
    random: Math.random,
    newId: randomUUID,
  };
}

/** Resolves when all that was written is out, however slowly it is read, or can't be written any more. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

defaultToProduction();
process.exitCode = await runProgram(process.argv.slice(2), processIo());
await Promise.all([written(process.stdout), written(process.stderr)]);
// Without leftovers the process has ended by then: this timer keeps it no longer.
setTimeout(() => process.exit(), leftoverMs).unref();
