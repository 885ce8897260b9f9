import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasPlace, type MemberStage, memberFrame } from './kafka-member-frame.ts';

type Part = { readonly int16: number } | { readonly int32: number } | { readonly text: string | null };

/** A request as Kafka's protocol has it before its flexible versions. */
function request(number: number, version: number, ...body: readonly Part[]): Uint8Array {
  const parts: readonly Part[] = [
    { int16: number },
    { int16: version },
    { int32: 7 },
    { text: 'client' },
    ...body,
  ];
  const bytes = Buffer.concat(parts.map(encode));
  return Buffer.concat([encode({ int32: bytes.length }), bytes]);
}

function encode(part: Part): Buffer {
  if ('int32' in part) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(part.int32);
    return bytes;
  }
  const text = 'text' in part ? Buffer.from(part.text ?? '') : Buffer.alloc(0);
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE('int16' in part ? part.int16 : part.text === null ? -1 : text.length);
  return Buffer.concat([bytes, text]);
}

const join = (instance: string | null, member = '') =>
  request(
    11,
    5,
    ...[{ text: 'group.views' }, { int32: 10_000 }, { int32: 60_000 }, { text: member }, { text: instance }],
    ...[{ text: 'consumer' }, { int32: 1 }, { text: 'RoundRobinAssigner' }, { int32: 0 }],
  );
const heartbeat = (instance: string | null) =>
  request(12, 3, { text: 'group.views' }, { int32: 4 }, { text: 'member-1' }, { text: instance });
const leave = (...members: readonly { readonly instance: string | null }[]) =>
  request(
    13,
    3,
    ...[{ text: 'group.views' }, { int32: members.length }],
    ...members.flatMap(({ instance }) => [{ text: 'member-1' }, { text: instance }]),
  );
const sync = (instance: string | null) =>
  request(
    14,
    3,
    ...[{ text: 'group.views' }, { int32: 4 }, { text: 'member-1' }, { text: instance }],
    ...[{ int32: 1 }, { text: 'member-1' }, { int32: 0 }],
  );
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const stages: readonly MemberStage[] = ['joining', 'joined', 'stopping', 'leaving'];

describe('memberFrame', () => {
  it.each([
    ['the join of a member without an id', join(null), join('pod-0')],
    ['the join of a known member', join(null, 'pod-0-1'), join('pod-0', 'pod-0-1')],
    ['a heartbeat', heartbeat(null), heartbeat('pod-0')],
    ['a request for the assignment', sync(null), sync('pod-0')],
  ])('names the instance in %s', (_what, written, sent) => {
    expect(hex(memberFrame(written, 'pod-0', 'joining'))).toBe(hex(sent));
  });

  it.each(['joining', 'joined', 'stopping'] as const)('lets nobody leave while a session is %s', (stage) => {
    expect(hex(memberFrame(leave({ instance: null }), 'pod-0', stage))).toBe(hex(leave()));
  });

  it('names the instance that leaves for good', () => {
    const sent = memberFrame(leave({ instance: null }), 'pod-0', 'leaving');
    expect(hex(sent)).toBe(hex(leave({ instance: 'pod-0' })));
  });

  it.each(['stopping', 'leaving'] as const)('lets a session that is %s not join', (stage) => {
    expect(() => memberFrame(join(null), 'pod-0', stage)).toThrow(
      expect.objectContaining({ reaction: 'outage' }),
    );
  });

  it('lets a session that has its place go on as that member, and ask for no other', () => {
    expect(hex(memberFrame(join(null, 'pod-0-1'), 'pod-0', 'joined'))).toBe(hex(join('pod-0', 'pod-0-1')));
    expect(() => memberFrame(join(null), 'pod-0', 'joined')).toThrow(
      expect.objectContaining({ code: 'KAFKA_UNAVAILABLE', reaction: 'outage' }),
    );
  });

  it.each([
    ['an older join', request(11, 4, { text: 'g' })],
    ['a newer join', request(11, 6, { text: 'g' })],
    ['an older heartbeat', request(12, 2, { text: 'g' })],
    ['an older leave', request(13, 2, { text: 'g' })],
    ['an older request for the assignment', request(14, 2, { text: 'g' })],
    ['a join that ends early', request(11, 5, { text: 'g' }, { int32: 1 })],
    ['a join with a length beyond its end', request(11, 5, { int16: 500 }, { int32: 1 })],
    ['a heartbeat that ends before the name', request(12, 3, { text: 'g' }, { int32: 1 }, { text: 'm' })],
    ['a leave without members', request(13, 3, { text: 'g' })],
  ])('refuses %s instead of sending it without the name', (_what, written) => {
    expect(() => memberFrame(written, 'pod-0', 'joining')).toThrow(
      expect.objectContaining({ code: 'KAFKA_INSTANCE_UNSUPPORTED', reaction: 'stop' }),
    );
  });

  it('hands requests of other kinds back as they are, whatever is in them', () => {
    const anything = fc.record({
      number: fc.integer({ min: 0, max: 80 }).filter((number) => number < 11 || number > 14),
      version: fc.nat({ max: 20 }),
      body: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(anything, fc.constantFrom(...stages), ({ number, version, body }, stage) => {
        const parts = [...body].map((byte) => ({ int16: byte }));
        const written = request(number, version, ...parts);
        expect(memberFrame(written, 'pod-0', stage)).toBe(written);
      }),
    );
  });

  it('hands back what is no whole request', () => {
    fc.assert(
      fc.property(fc.constantFrom(join(null), heartbeat(null), sync(null)), fc.nat(), (whole, at) => {
        const part = whole.subarray(0, at % whole.length);
        expect(memberFrame(part, 'pod-0', 'joining')).toBe(part);
        const more = Buffer.concat([whole, whole]);
        expect(memberFrame(more, 'pod-0', 'joining')).toBe(more);
      }),
    );
  });

  it('knows that a member has its place by its asking for what it was given', () => {
    expect(hasPlace(sync(null))).toBe(true);
    const others = [join(null), join(null, 'pod-0-1'), heartbeat(null), leave({ instance: null })];
    expect(others.filter(hasPlace)).toEqual([]);
    expect(hasPlace(sync(null).subarray(0, 5))).toBe(false);
  });

  it('changes nothing the second time, and nothing of what it was given', () => {
    const ids = fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/);
    const written = fc.constantFrom(join(null), heartbeat(null), leave({ instance: null }), sync(null));
    fc.assert(
      fc.property(written, ids, fc.integer({ min: 0, max: 9 }), (frame, id, offset) => {
        // A view of a larger buffer, as kafkajs hands it over.
        const around = Buffer.concat([Buffer.alloc(offset, 0xff), frame, Buffer.alloc(3, 0xff)]);
        const before = hex(around);
        const once = memberFrame(around.subarray(offset, offset + frame.length), id, 'joining');
        expect(new DataView(once.buffer, once.byteOffset).getInt32(0)).toBe(once.length - 4);
        expect(hex(memberFrame(once, id, 'joining'))).toBe(hex(once));
        expect(hex(around)).toBe(before);
      }),
    );
  });
});
