import { OutageError, StopError } from '../foundation/index.ts';

/**
 * What a session still says in its group:
 * - `joining`: everything;
 * - `joined`: it was given a place, and goes on with the member that it became. Asking for a second one would fence whoever has the first, which may be itself:
 *   kafkajs asks from several fetches at once, and when it hears that its member is gone, be it because another process has the place. Until then it may ask
 *   again, as it does of a broker that does not serve the group;
 * - `stopping`: it joins no more, since it would fence the one that comes after it, and does not leave, so that a restart finds its partitions;
 * - `leaving`: it joins no more and leaves, so that the partitions are shared out anew.
 */
export type MemberStage = 'joining' | 'joined' | 'stopping' | 'leaving';

type Field = 'int32' | 'string';

interface MemberRequest {
  readonly name: 'JoinGroup' | 'Heartbeat' | 'LeaveGroup' | 'SyncGroup';
  /** The one that kafkajs writes, without a name for the instance in it. */
  readonly version: number;
  /** What stands between the header and `group_instance_id`. */
  readonly before: readonly Field[];
}

const joinGroup = 11;
const syncGroup = 14;

/** By Kafka's number of the request. */
const memberRequests: ReadonlyMap<number, MemberRequest> = new Map([
  [joinGroup, { name: 'JoinGroup', version: 5, before: ['string', 'int32', 'int32', 'string'] }],
  [12, { name: 'Heartbeat', version: 3, before: ['string', 'int32', 'string'] }],
  // Its list of members has one.
  [13, { name: 'LeaveGroup', version: 3, before: ['string', 'int32', 'string'] }],
  [syncGroup, { name: 'SyncGroup', version: 3, before: ['string', 'int32', 'string'] }],
]);

/** Where the parts of a request's header begin: its size (of all behind itself), number, version, correlation id, client id. */
const header = { size: 0, number: 4, version: 6, clientId: 12 } as const;

/**
 * What kafkajs wrote to a broker, as a static member writes it: the requests of a consumer group name the instance, and a member that
 * stops does not leave. The layouts are those of https://kafka.apache.org/protocol, what they mean is in KIP-345. Requests of other
 * kinds, and bytes that are no whole request (those of a login), are handed back as they are.
 *
 * A request of a group in a version that is not expected is refused and not let through: a heartbeat without the name would be answered as
 * that of a stranger, upon which kafkajs joins anew and takes the place of whoever has taken its own.
 *
 * @throws {StopError} `KAFKA_INSTANCE_UNSUPPORTED`.
 * @throws {OutageError} for a join of a session that is over, and for a second one without a member.
 */
export function memberFrame(frame: Uint8Array, instanceId: string, stage: MemberStage): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.byteLength < header.clientId + 2 || view.getInt32(header.size) !== view.byteLength - 4)
    return frame;
  const request = memberRequests.get(view.getInt16(header.number));
  if (request === undefined) return frame;
  const version = view.getInt16(header.version);
  if (version !== request.version) throw unsupported(`${request.name} in version ${version}`);
  if (request.name === 'JoinGroup' && (stage === 'stopping' || stage === 'leaving')) {
    throw new OutageError('KAFKA_UNAVAILABLE', 'A session that is over does not join its group again.');
  }
  if (request.name === 'JoinGroup' && stage === 'joined' && asksForPlace(view)) {
    throw new OutageError(
      'KAFKA_UNAVAILABLE',
      'The group has forgotten this member: the next session joins anew.',
    );
  }
  const body = behind(view, header.clientId, ['string']);
  if (body === null) throw unsupported(`a broken ${request.name}`);
  if (request.name === 'LeaveGroup' && stage !== 'leaving') return withoutMembers(view, body);
  const at = behind(view, body, request.before);
  if (at === null || at + 2 > view.byteLength) throw unsupported(`a broken ${request.name}`);
  return view.getInt16(at) < 0 ? withName(view, at, instanceId) : frame;
}

/** Whether it asks what was given to its member, as one does whose join was answered with a place. */
export function hasPlace(frame: Uint8Array): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return view.byteLength >= header.version && view.getInt16(header.number) === syncGroup;
}

/** Whether a whole join is without a member, upon which the broker gives the instance's place to a new one. */
function asksForPlace(view: DataView): boolean {
  const member = behind(view, header.clientId, ['string', 'string', 'int32', 'int32']);
  return member !== null && member + 2 <= view.byteLength && view.getInt16(member) <= 0;
}

/** Nobody leaves: the broker answers so without an error, and kafkajs has its answer. */
function withoutMembers(view: DataView, body: number): Uint8Array {
  const members = behind(view, body, ['string']);
  if (members === null || members + 4 > view.byteLength) throw unsupported('a broken LeaveGroup');
  const emptied = new Uint8Array(members + 4);
  emptied.set(bytesOf(view, 0, members));
  new DataView(emptied.buffer).setInt32(header.size, emptied.length - 4);
  return emptied;
}

/** In the place of the null at `at`. */
function withName(view: DataView, at: number, instanceId: string): Uint8Array {
  const name = new TextEncoder().encode(instanceId);
  const named = new Uint8Array(view.byteLength + name.length);
  named.set(bytesOf(view, 0, at));
  named.set(name, at + 2);
  named.set(bytesOf(view, at + 2, view.byteLength), at + 2 + name.length);
  const out = new DataView(named.buffer);
  out.setInt32(header.size, named.length - 4);
  out.setInt16(at, name.length);
  return named;
}

/** Where the fields that begin at `start` end; null when the request ends before. A string may be null. */
function behind(view: DataView, start: number, fields: readonly Field[]): number | null {
  let at = start;
  for (const field of fields) {
    if (field === 'int32') at += 4;
    else if (at + 2 > view.byteLength) return null;
    else at += 2 + Math.max(0, view.getInt16(at));
  }
  return at <= view.byteLength ? at : null;
}

function bytesOf(view: DataView, from: number, to: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + from, to - from);
}

function unsupported(what: string): StopError {
  return new StopError(
    'KAFKA_INSTANCE_UNSUPPORTED',
    `The setting group.instance.id cannot be sent to this cluster: the Kafka client wrote ${what}. Leave the setting out, or use Kafka 2.4 or later.`,
    { context: { setting: 'group.instance.id' } },
  );
}
