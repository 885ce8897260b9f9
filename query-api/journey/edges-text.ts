import { getNamedType, isObjectType } from 'graphql';
import type { JourneyRows } from '../../graph-store/index.ts';
import { JsonBytes } from '../json-bytes.ts';
import type { OwnWriterOf } from '../prepared/answer-writer.ts';
import { stepTextOf } from './step-text.ts';

const out = new JsonBytes();

/** Of `edges` of a journey: right from the rows, where the page has them and they tell all that is selected. */
export const edgesWriter: OwnWriterOf = (selected, type, nodes) => {
  const edgeType = getNamedType(type);
  const write = isObjectType(edgeType) ? stepTextOf(selected, edgeType, nodes) : null;
  if (write === null) return null;
  return (source) => {
    if (!hasRows(source) || source.rows === null) return null;
    out.begin();
    out.ascii('[');
    for (const [at, row] of source.rows.entries()) {
      if (at > 0) out.ascii(',');
      write(out, row);
    }
    out.ascii(']');
    return out.end();
  };
};

function hasRows(source: unknown): source is Pick<JourneyRows, 'rows'> {
  return typeof source === 'object' && source !== null && 'rows' in source;
}
