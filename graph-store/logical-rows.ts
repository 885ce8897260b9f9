import { withoutLineage } from './lineage.ts';
import { decodeNodeRow, encodeNodeRow } from './node-row.ts';
import { expiredAt, rowKind, rowKindOf, typeOf } from './rows.ts';
import type { Expiry } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

const noLineage = Buffer.alloc(0);

/** Rows of a graph as what they say alone: without their lineage, and without what time to live hides. */
export async function* logicalRows(rows: AsyncIterable<Row>, expiry: Expiry): AsyncGenerator<Row> {
  for await (const [key, value] of rows) {
    if (expiredAt(key, value, expiry) !== null) continue;
    switch (rowKindOf(key)) {
      case rowKind.node: {
        const { mentionedMs, registers } = decodeNodeRow(value);
        const hiddenMs = expiry.ofNode(typeOf(key));
        const kept = registers.filter(({ timeMs }) => timeMs > hiddenMs);
        yield [key, encodeNodeRow({ mentionedMs, lineage: noLineage, registers: kept })];
        break;
      }
      case rowKind.step:
      case rowKind.out:
        yield [key, withoutLineage(value)];
        break;
      default:
        yield [key, value];
    }
  }
}
