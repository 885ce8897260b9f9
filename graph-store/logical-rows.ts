import { must } from '../foundation/index.ts';
import { withoutLineage } from './lineage.ts';
import { decodeNodeRow, encodeNodeRow } from './node-row.ts';
import { expiredAt, rowKind, rowKindOf, timeLength, typeOf } from './rows.ts';
import type { Expiry } from './time-to-live.ts';

type Row = readonly [key: Buffer, value: Buffer];

const noLineage = Buffer.alloc(0);
const lengthOfNoLineage = Buffer.of(0);

/** Rows of a graph as what they say alone: without their lineage, and without what time to live hides. */
export async function* logicalRows(rows: AsyncIterable<Row>, expiry: Expiry): AsyncGenerator<Row> {
  for await (const [key, value] of rows) {
    const logical = logicalValue(key, value, expiry);
    if (logical !== null) yield [key, logical];
  }
}

/** What a row of the graph says alone; null when time to live hides it. */
export function logicalValue(key: Buffer, value: Buffer, expiry: Expiry): Buffer | null {
  if (expiredAt(key, value, expiry) !== null) return null;
  switch (rowKindOf(key)) {
    case rowKind.node:
      return logicalNode(value, expiry.ofNode(typeOf(key)));
    case rowKind.step:
    case rowKind.out:
      return withoutLineage(value);
    default:
      return value;
  }
}

function logicalNode(value: Buffer, hiddenMs: number): Buffer {
  if (hiddenMs < 0) {
    const registersAt = timeLength + 1 + must(value[timeLength], 'a row has a lineage');
    return Buffer.concat([value.subarray(0, timeLength), lengthOfNoLineage, value.subarray(registersAt)]);
  }
  const { mentionedMs, registers } = decodeNodeRow(value);
  const kept = registers.filter(({ timeMs }) => timeMs > hiddenMs);
  return encodeNodeRow({ mentionedMs, lineage: noLineage, registers: kept });
}
