import { ByteReader } from './codec.ts';
import type { NodeView } from './graph-store.ts';
import { valueTag } from './packed-format.ts';
import { propertiesOf, type Register } from './register.ts';
import { contentAt, readTime, skipValue } from './register-bytes.ts';
import { timeLength } from './rows.ts';

/** A property that is asked for, and its name's bytes. */
interface Wanted {
  readonly name: string;
  readonly bytes: Buffer;
}

type Property = NodeView['properties'][number];

/** Reads some properties of nodes' rows where they stand, and passes the rest over: it is done for a million rows. */
export class NamedProperties {
  readonly #wanted: readonly Wanted[];

  constructor(names: readonly string[]) {
    this.#wanted = names.map((name) => ({ name, bytes: Buffer.from(name) }));
  }

  /** What `propertiesOf` makes of the row's registers of these names. */
  of(row: Buffer, hiddenMs: number): NodeView['properties'] {
    const found: Property[] = [];
    if (this.#wanted.length === 0) return found;
    const reader = new ByteReader(row);
    for (let at = registersAt(row); at < row.length; ) {
      const nameEnd = at + 1 + (row[at] ?? 0);
      const content = contentAt(row, nameEnd);
      const wanted = this.#wantedAt(row, at + 1, nameEnd);
      if (wanted !== null) {
        // Which of a set's registers count, and whether a value does beside them, hangs on all of them.
        if ((row[content] ?? 0) >= valueTag.cleared) return propertiesOf(this.#registers(row), hiddenMs);
        const timeMs = readTime(row, nameEnd);
        reader.at = content;
        if (timeMs > hiddenMs) found.push({ name: wanted.name, value: reader.value(), timeMs });
      }
      at = skipValue(row, content);
    }
    return found;
  }

  #registers(row: Buffer): Register[] {
    const found: Register[] = [];
    for (let at = registersAt(row); at < row.length; ) {
      const nameEnd = at + 1 + (row[at] ?? 0);
      if (this.#wantedAt(row, at + 1, nameEnd) !== null) {
        const reader = new ByteReader(row, at);
        found.push({
          name: reader.name(),
          timeMs: reader.time(),
          rank: reader.rank(),
          content: reader.content(),
        });
      }
      at = skipValue(row, contentAt(row, nameEnd));
    }
    return found;
  }

  #wantedAt(row: Buffer, start: number, end: number): Wanted | null {
    for (const wanted of this.#wanted) if (isAt(wanted.bytes, row, start, end)) return wanted;
    return null;
  }
}

/** Behind the newest mention and the lineage. */
function registersAt(row: Buffer): number {
  return timeLength + 1 + (row[timeLength] ?? 0);
}

/** By hand: what is compared is shorter than a call into native code takes. */
function isAt(name: Buffer, row: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i += 1) if (row[start + i] !== name[i]) return false;
  return true;
}
