import { describe, expect, it } from 'vitest';
import { loadSettings } from '../config/index.ts';
import { OutageError } from '../foundation/index.ts';
import { fakeIo } from './command-io.fake.ts';
import { createLog } from './log.ts';

const token = 'hunter2"canary';
const userInfo = 'svc:registry-pass';

function logTo(format: 'json' | 'text' | 'auto', over: { level?: string; terminal?: boolean } = {}) {
  const { settings } = loadSettings({
    flags: {
      'log.format': format,
      'log.level': over.level ?? 'info',
      'api.token': token,
      'schema.registry.basic.auth.user.info': userInfo,
    },
    environment: {},
    files: [],
  });
  const io = fakeIo({ errIsTerminal: over.terminal ?? false });
  return { log: createLog(settings, io), io };
}

describe('the log', () => {
  it('is one JSON object a line, with level, time, fields and the message', () => {
    const { log, io } = logTo('json');
    log.warn({ topic: 'games.launch', offset: 12n }, 'A gap.');
    expect(JSON.parse(io.written.err)).toMatchObject({
      level: 'warn',
      topic: 'games.launch',
      offset: '12',
      msg: 'A gap.',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(io.written.out).toBe('');
  });

  it('is text on a terminal and JSON elsewhere', () => {
    const onTerminal = logTo('auto', { terminal: true });
    onTerminal.log.info({ topic: 'a' }, 'Hello.');
    expect(onTerminal.io.written.err).toBe('20:15:00 info  Hello. topic=a\n');
    const elsewhere = logTo('auto');
    elsewhere.log.info({}, 'Hello.');
    expect(JSON.parse(elsewhere.io.written.err)).toMatchObject({ msg: 'Hello.' });
  });

  it.each(['json', 'text'] as const)('leaves out what is below its level, as %s', (format) => {
    const { log, io } = logTo(format, { level: 'error' });
    log.debug({}, 'no');
    log.info({}, 'no');
    log.warn({}, 'no');
    expect(io.written.err).toBe('');
    log.error({}, 'yes');
    expect(io.written.err).toContain('yes');
    const silent = logTo(format, { level: 'silent' });
    silent.log.error({}, 'no');
    expect(silent.io.written.err).toBe('');
  });

  it('tells an error by code, context and causes', () => {
    const { log, io } = logTo('json');
    const cause = new TypeError('fetch failed');
    const error = new OutageError('REGISTRY_UNREACHABLE', 'No answer.', { cause, context: { offset: 5n } });
    log.error({ error }, 'Waiting.');
    expect(JSON.parse(io.written.err).error).toEqual({
      code: 'REGISTRY_UNREACHABLE',
      message: 'No answer.',
      offset: '5',
      cause: { name: 'TypeError', message: 'fetch failed' },
    });
  });

  it.each(['json', 'text'] as const)(
    'cannot be given a second line or a command for the terminal, as %s',
    (format) => {
      const { log, io } = logTo(format);
      const hostile = 'x\n{"level":"error","msg":"forged"}\r\u001b[2J\u009b\u202e\u2028';
      log.info({ topic: hostile, deep: { value: hostile }, error: new Error(hostile) }, hostile);
      expect(io.written.err.trimEnd().split('\n')).toHaveLength(1);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(io.written.err.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    },
  );

  it.each(['json', 'text'] as const)(
    'masks the secrets of the settings wherever they turn up, as %s',
    (format) => {
      const { log, io } = logTo(format);
      const basic = Buffer.from(userInfo).toString('base64');
      const error = new Error(`Basic ${basic} for ${userInfo}`, { cause: new Error('registry-pass') });
      log.error(
        { error, header: `Bearer ${token}`, deep: { token }, long: `${'x'.repeat(495)}${token}` },
        token,
      );
      expect(io.written.err).toContain('********');
      expect(io.written.err).not.toContain('hunter2');
      expect(io.written.err).not.toContain('registry-pass');
      expect(io.written.err).not.toContain(basic);
      expect(io.written.err).not.toMatch(/x(hun|h|hu)"?$/m);
    },
  );
});
