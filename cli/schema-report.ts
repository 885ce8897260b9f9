import { type CommandIo, printable, printableLines } from './command-io.ts';
import type { CheckReport, CompatibilityReport, SchemaProblem } from './schema-check.ts';

/** Problems, notes and one line of good news a schema. Data goes to `out`, so that an editor can read the problems from a pipe. */
export function printCheck(
  reports: readonly CheckReport[],
  conflicts: readonly string[],
  io: CommandIo,
): void {
  for (const { file, problems, notes, events, compatibility } of reports) {
    for (const problem of problems) io.out(`${problemText(problem)}\n`);
    for (const note of notes) io.out(`${printable(file)}: note: ${printable(note)}\n`);
    if (problems.length > 0) continue;
    const parts = ['fine'];
    if (events !== null) {
      const { generated, mapped, filtered, complete } = events;
      const part = complete ? '' : ' (the schema is too large to visit every branch)';
      parts.push(`${generated} generated events, ${mapped} mapped, ${filtered} filtered${part}`);
    }
    if (compatibility !== null) {
      parts.push(compatibilityText(compatibility));
    }
    io.out(`${printable(file)}: ${parts.join('; ')}\n`);
  }
  for (const conflict of conflicts) io.out(`${printable(conflict)}\n`);
}

function compatibilityText({ mode, against }: CompatibilityReport): string {
  const versions = against.map(({ version }) => version).join(', ');
  if (versions === '') return `the registry has no other version to compare with (compatibility ${mode})`;
  const which = `version${against.length === 1 ? '' : 's'} ${versions}`;
  return mode === 'NONE'
    ? `compared with ${which}, where the registry refuses nothing (compatibility NONE)`
    : `goes with ${which} (compatibility ${mode})`;
}

export function problemText({ file, line, column, path, sentence }: SchemaProblem): string {
  return printable(`${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${sentence}`);
}

/** For machines. */
export function printJson(value: unknown, io: CommandIo): void {
  const text = JSON.stringify(
    value,
    (_key, one: unknown) => (typeof one === 'bigint' ? { long: String(one) } : one),
    2,
  );
  io.out(`${printableLines(text)}\n`);
}
