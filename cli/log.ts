import pino from 'pino';
import { type Settings, secretValues } from '../config/index.ts';
import { JourneyGraphError, type Log } from '../foundation/index.ts';
import { type CommandIo, printable, printableLines } from './command-io.ts';

const levels = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 } as const;

/** Longer fields are cut: a line is for a person. */
const fieldCharactersMax = 500;
/** A shorter secret protects nothing, and masking it would take common words out of the log. */
const secretCharactersMin = 4;

/**
 * The log on standard error: pino's JSON lines, or one plain line each for a person at a terminal. What others wrote can't
 * break out of its line, and the settings' secrets are masked wherever they turn up, such as in a library's error.
 */
export function createLog(settings: Settings, io: CommandIo): Log {
  const text = settings['log.format'] === 'text' || (settings['log.format'] === 'auto' && io.errIsTerminal);
  const mask = masking(secretValues(settings));
  return text ? textLog(levels[settings['log.level']], mask, io) : jsonLog(settings['log.level'], mask, io);
}

type Mask = (text: string) => string;

/** Masks secrets as they are, as they look inside JSON, in Basic authentication, and the password of a `user:password`. */
function masking(secrets: readonly string[]): Mask {
  const forms = secrets
    .flatMap((secret) => [
      secret,
      secret.slice(secret.indexOf(':') + 1),
      Buffer.from(secret).toString('base64'),
    ])
    .flatMap((form) => [JSON.stringify(form).slice(1, -1), form])
    .filter((form) => form.length >= secretCharactersMin)
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((masked, form) => masked.replaceAll(form, '********'), text);
}

function jsonLog(level: Settings['log.level'], mask: Mask, io: CommandIo): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    { write: (line: string) => io.err(printableLines(mask(line))) },
  );
  return {
    debug: (fields, message) => logger.debug(plainFields(fields), message),
    info: (fields, message) => logger.info(plainFields(fields), message),
    warn: (fields, message) => logger.warn(plainFields(fields), message),
    error: (fields, message) => logger.error(plainFields(fields), message),
  };
}

function textLog(least: number, mask: Mask, io: CommandIo): Log {
  const write = (level: keyof typeof levels) => (fields: object, message: string) => {
    if (levels[level] < least) return;
    const time = new Date(io.clock.now()).toISOString().slice(11, 19);
    // Masked before it is cut: half a secret is one too many.
    const shown = Object.entries(plainFields(fields)).map(
      ([name, value]) => ` ${name}=${printable(mask(fieldText(value))).slice(0, fieldCharactersMax)}`,
    );
    io.err(`${time} ${level.padEnd(5)} ${printable(mask(message))}${shown.join('')}\n`);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

function fieldText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
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
