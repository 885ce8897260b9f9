import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { terminalEnvironment } from '../config/index.ts';
import { systemClock } from '../foundation/index.ts';
import type { CommandIo } from './command-io.ts';
import { runProgram } from './program.ts';

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
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    stop.abort();
  });
  return {
    out: (data) => void process.stdout.write(data),
    err: (data) => void process.stderr.write(data),
    readStdin: () => text(process.stdin),
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    color: process.stdout.isTTY === true && !terminalEnvironment().noColor,
    signal: stop.signal,
    clock: systemClock,
    random: Math.random,
    newId: randomUUID,
  };
}

process.exitCode = await runProgram(process.argv.slice(2), processIo());
