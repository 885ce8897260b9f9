import pino from 'pino';
import type { Settings } from '../config/index.ts';
import { JourneyGraphError, type Log } from '../foundation/index.ts';
import { type CommandIo, printable } from './command-io.ts';

const levels = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 } as const;

/** The log on standard error: pino's JSON lines, or one plain line each for a person at a terminal. */
export function createLog(settings: Pick<Settings, 'log.level' | 'log.format'>, io: CommandIo): Log {
  const text = settings['log.format'] === 'text' || (settings['log.format'] === 'auto' && io.errIsTerminal);
  return text ? textLog(levels[settings['log.level']], io) : jsonLog(settings['log.level'], io);
}

function jsonLog(level: Settings['log.level'], io: CommandIo): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, serializers: { error: describeError } },
    { write: (line: string) => io.err(line) },
  );
  return {
    debug: (fields, message) => logger.debug(plainFields(fields), message),
    info: (fields, message) => logger.info(plainFields(fields), message),
    warn: (fields, message) => logger.warn(plainFields(fields), message),
    error: (fields, message) => logger.error(plainFields(fields), message),
  };
}

function textLog(least: number, io: CommandIo): Log {
  const write = (level: keyof typeof levels) => (fields: object, message: string) => {
    if (levels[level] < least) return;
    const time = new Date(io.clock.now()).toISOString().slice(11, 19);
    const shown = Object.entries(plainFields(fields)).map(([name, value]) => ` ${name}=${fieldText(value)}`);
    io.err(`${time} ${level.padEnd(5)} ${printable(message)}${shown.join('')}\n`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function fieldText(value: unknown): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 500);
}

/** JSON knows no bigint, and an error's own fields are not enumerable. */
function plainFields(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? value.toString() : value instanceof Error ? describeError(value) : value,
    ]),
  );
}

/** Code, sentence, context and causes: never a payload, since errors carry none. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  if (!(error instanceof JourneyGraphError)) return { name: error.name, message: error.message, ...cause };
  return { code: error.code, message: error.message, ...plainFields(error.context), ...cause };
}
