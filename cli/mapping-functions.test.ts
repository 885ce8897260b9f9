import { expect, it } from 'vitest';
import { fakeIo } from './command-io.fake.ts';
import { runProgram } from './program.ts';

it.each([
  [false, 80],
  [true, 80],
  [true, 400],
])(
  'jg mapping functions says all of each function (on a terminal %s, %i columns)',
  async (outIsTerminal, columns) => {
    const io = fakeIo({ outIsTerminal, outColumns: () => columns });
    expect(await runProgram(['mapping', 'functions'], io)).toBe(0);
    const { out } = io.written;
    expect(out.replaceAll(/\s+/g, ' ')).toContain('user, password and fragment; null for what is none.');
    if (outIsTerminal)
      for (const line of out.split('\n'))
        expect(line.length <= columns || !line.trim().includes(' ')).toBe(true);
  },
);
