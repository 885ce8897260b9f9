import type { TypeCheckResult } from '@marcbachmann/cel-js';
import { didYouMean } from '../foundation/index.ts';

type Fault = NonNullable<TypeCheckResult['error']>;

interface Asked {
  readonly text: string;
  /** What the expression may name. */
  readonly names: readonly string[];
  /** Names of types as a person knows them. */
  readonly plainly: (message: string) => string;
}

const nameCharactersMax = 64;
/** Words and signs of other languages. */
const meant: ReadonlyMap<string, string> = new Map([
  ['=', '=='],
  ['===', '=='],
  ['<>', '!='],
  ['and', '&&'],
  ['or', '||'],
  ['not', '!'],
  ['&', '&&'],
  ['|', '||'],
]);

/** What is wrong with an expression, where in it, counted from 1, and what was probably meant. */
export function describeFault(fault: Fault | undefined, asked: Asked): string {
  const message = fault?.summary ?? fault?.message ?? 'unknown reason';
  const line = message.split('\n', 1)[0] ?? '';
  if (fault === undefined) return line;
  return `${asked.plainly(line)}${placeIn(fault, asked.text)}${remedy(fault, line, asked)}`;
}

/** Nothing where all of the expression is meant, as by a limit. */
function placeIn({ code, range }: Fault, text: string): string {
  if (range === undefined || /exceed/i.test(code) || (range.start === 0 && range.end >= text.length))
    return '';
  return ` at character ${range.start + 1}`;
}

function remedy({ code, range }: Fault, line: string, { text, names }: Asked): string {
  if (/ [!=]= null$|: null [!=]= /.test(line)) return '; ask for a null with has(…)';
  if (code === 'unknown_variable' && range !== undefined) {
    const name = text.slice(range.start, range.end);
    const near = didYouMean(name.slice(0, nameCharactersMax), names);
    return near === '' ? `; a text stands in quotes: '${name.slice(0, nameCharactersMax)}'` : near;
  }
  if (code === 'no_such_overload' && /: (?:int . double|double . int)$/.test(line))
    return '; write double(…) around the int';
  if (range === undefined || !code.startsWith('unexpected')) return '';
  const instead = meant.get(signAt(text, range.start));
  return instead === undefined ? '' : `; CEL writes ${instead}`;
}

/** The whole sign or word around a place, wherever in it the parser gave up. */
function signAt(text: string, at: number): string {
  for (const kind of [/[=<>&|!]/, /[a-z]/i]) {
    if (!kind.test(text.charAt(at))) continue;
    let start = at;
    while (start > 0 && kind.test(text.charAt(start - 1))) start -= 1;
    let end = at;
    while (end < text.length && kind.test(text.charAt(end))) end += 1;
    return text.slice(start, end).toLowerCase();
  }
  return '';
}
