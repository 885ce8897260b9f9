import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

const takes = 'whole milliseconds, or days, hours, minutes and seconds by ISO 8601 such as PT30M or P1DT12H';
const iso = /^P(?!$)(?:(\d{1,6})D)?(?:T(?!$)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})(?:\.(\d{1,3}))?S)?)?$/;

/** Milliseconds inside and out. */
export const durationScalar = new GraphQLScalarType<number, number>({
  name: 'Duration',
  description: `A span of time: ${takes}.`,
  serialize: (value) => {
    if (typeof value !== 'number') throw new TypeError('a Duration is made from milliseconds');
    return value;
  },
  parseValue: (value) => parseDuration(value),
  parseLiteral: (node) => {
    if (node.kind === Kind.INT) return parseDuration(Number(node.value), node);
    return parseDuration(node.kind === Kind.STRING ? node.value : null, node);
  },
});

function parseDuration(value: unknown, node?: ValueNode): number {
  const durationMs = typeof value === 'string' ? isoMs(value) : value;
  if (typeof durationMs === 'number' && Number.isSafeInteger(durationMs) && durationMs >= 0)
    return durationMs;
  throw new GraphQLError(`Duration takes ${takes}.`, {
    ...(node === undefined ? {} : { nodes: node }),
    extensions: { code: 'BAD_USER_INPUT', takes },
  });
}

function isoMs(text: string): number | null {
  const match = iso.exec(text);
  if (match === null) return null;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1, 5).map((part) => Number(part ?? 0));
  const millis = Number((match[5] ?? '').padEnd(3, '0'));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + millis;
}
