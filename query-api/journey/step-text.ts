import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isObjectType,
} from 'graphql';
import { type PackedStep, type Span, StepParts } from '../../graph-store/index.ts';
import { writeCursor } from '../cursor.ts';
import type { JsonBytes } from '../json-bytes.ts';
import { fieldsOf, isPlain, type Selected } from '../prepared/answer-writer.ts';
import { dateTimeScalar } from '../scalars.ts';
import { writeProperties } from './properties-text.ts';

/** Writes a part of a step; the parts are those of the row. */
type PartWriter = (out: JsonBytes, row: PackedStep, parts: StepParts) => void;
/** The writer of a field by its name; null of one that a row alone does not tell. */
type PartOf = (name: string, type: GraphQLOutputType, nodes: readonly FieldNode[]) => PartWriter | null;

const parts = new StepParts();

/** What writes edges of journeys as they are selected, from rows; null where rows alone do not tell what is asked for. */
export function stepTextOf(
  selected: Selected,
  edgeType: GraphQLObjectType,
  nodes: readonly FieldNode[],
): ((out: JsonBytes, row: PackedStep) => void) | null {
  const write = objectText(selected, edgeType, nodes, (name, type, of) => {
    if (name === 'cursor') return (out, row) => out.ascii(`"${writeCursor(row.position())}"`);
    return name === 'node' ? objectText(selected, type, of, stepPart(selected)) : null;
  });
  if (write === null) return null;
  return (out, row) => {
    parts.of(row);
    write(out, row, parts);
  };
}

function stepPart(selected: Selected): PartOf {
  return (name, type, nodes) => {
    switch (name) {
      case 'time':
        return writeTime;
      case 'domain':
        return (out, _row, { bytes, domain }) => out.text(bytes, domain);
      case 'action':
        return (out, _row, { bytes, action }) => out.text(bytes, action);
      case 'links':
        return linksText(objectText(selected, type, nodes, linkPart(selected)));
      case 'properties':
        return (out, _row, of) => writeProperties(out, of);
      default:
        return null;
    }
  };
}

function linkPart(selected: Selected): PartOf {
  return (name, type, nodes) => {
    if (name === 'edge') return (out, _row, { bytes, edge }) => out.text(bytes, edge);
    if (name === 'direction') return (out, _row, { isOut }) => out.ascii(isOut ? '"OUT"' : '"IN"');
    return name === 'node' ? objectText(selected, type, nodes, nodePart) : null;
  };
}

const nodePart: PartOf = (name) => {
  const spanOf = { type: (of: StepParts): Span => of.nodeType, id: (of: StepParts): Span => of.nodeId };
  if (name !== 'type' && name !== 'id') return null;
  const span = spanOf[name];
  return (out, _row, of) => out.text(of.bytes, span(of));
};

function linksText(write: PartWriter | null): PartWriter | null {
  if (write === null) return null;
  return (out, row, of) => {
    out.ascii('[');
    of.toLinks();
    for (let first = true; of.nextLink(); first = false) {
      if (!first) out.ascii(',');
      write(out, row, of);
    }
    out.ascii(']');
  };
}

function writeTime(out: JsonBytes, { timeMs }: PackedStep): void {
  if (!out.time(timeMs)) out.raw(JSON.stringify(dateTimeScalar.serialize(timeMs)));
}

function objectText(
  selected: Selected,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
  partOf: PartOf,
): PartWriter | null {
  const named = getNamedType(type);
  const fields = isObjectType(named) ? fieldsOf(selected, named, nodes) : null;
  if (fields === null || !isObjectType(named)) return null;
  const writers: { readonly head: string; readonly write: PartWriter }[] = [];
  for (const [key, [node, ...others]] of fields) {
    const name = node?.name.value;
    if (node === undefined || name === undefined) return null;
    const head = `${writers.length === 0 ? '{' : ','}${JSON.stringify(key)}:`;
    if (name === '__typename') {
      const text = JSON.stringify(named.name);
      writers.push({ head, write: (out) => out.ascii(text) });
      continue;
    }
    const field = named.getFields()[name];
    // One with a resolver may have another value than the row's.
    if (field === undefined || field.resolve !== undefined || !isPlain(field)) return null;
    const write = partOf(name, field.type, [node, ...others]);
    if (write === null) return null;
    writers.push({ head, write });
  }
  return (out, row, of) => {
    for (const { head, write } of writers) {
      out.ascii(head);
      write(out, row, of);
    }
    out.ascii('}');
  };
}
