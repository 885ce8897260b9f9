import {
  type Broadcast,
  type Cursor,
  isKey,
  type ResyncReason,
  readServerMessage,
} from '../../device/index.ts';
import type { Delivery, DeliveryReport } from '../ports.ts';

/** What routers and gateways say to each other over a socket: see PROTOCOL.md, 7. */

export const routerPath = '/live/gateway';
/** Of a gateway's message; the longest is a report. */
export const gatewayMessageBytesMax = 2_097_152;
/** Of a router's message; the longest is a history. */
export const routerMessageBytesMax = 65_536;
const deliveriesMax = 10_000;
const idLengthMax = 512;

export type GatewayMessage =
  /** Without `socketsMax` it does not say how many devices it takes. */
  | { readonly type: 'hello'; readonly gateway: string; readonly socketsMax?: number }
  | ({ readonly type: 'subscribe' | 'history'; readonly request: number; readonly event: string } & Cursor)
  | { readonly type: 'unsubscribe'; readonly event: string }
  | { readonly type: 'holds'; readonly event: string; readonly sockets: number }
  | ({ readonly type: 'report' } & DeliveryReport);

export type RouterMessage =
  | Broadcast
  | { readonly type: 'gone'; readonly event: string }
  | { readonly type: 'state'; readonly request: number; readonly broadcast: Broadcast | null }
  | { readonly type: 'history'; readonly request: number; readonly broadcasts: readonly Broadcast[] }
  | { readonly type: 'resync'; readonly request: number; readonly reason: ResyncReason }
  /** Not now; ask again. */
  | { readonly type: 'busy'; readonly request: number };

type Fields = Readonly<Record<string, unknown>>;

/** Null when it is none. */
export function readGatewayMessage(text: string): GatewayMessage | null {
  const fields = readFields(text);
  if (fields === null) return null;
  const { type, request, event, epoch, sequence, gateway, sockets, socketsMax } = fields;
  if (type === 'hello') {
    if (!isKey(gateway)) return null;
    return isCount(socketsMax) ? { type, gateway, socketsMax } : { type, gateway };
  }
  if (!isKey(event)) return null;
  if (type === 'unsubscribe') return { type, event };
  if (type === 'holds') return isCount(sockets) ? { type, event, sockets } : null;
  if (!isCount(epoch) || !isCount(sequence)) return null;
  if (type === 'report') return readReport(fields, { event, epoch, sequence });
  if (type !== 'subscribe' && type !== 'history') return null;
  return isCount(request) ? { type, request, event, epoch, sequence } : null;
}

/** Null when it is none. */
export function readRouterMessage(text: string): RouterMessage | null {
  const fields = readFields(text);
  if (fields === null) return null;
  if (fields.type === 'broadcast') return readBroadcast(fields);
  const { type, event, request, broadcast, broadcasts, reason } = fields;
  if (type === 'gone') return isKey(event) ? { type, event } : null;
  if (!isCount(request)) return null;
  if (type === 'busy') return { type, request };
  if (type === 'resync') return isReason(reason) ? { type, request, reason } : null;
  if (type === 'state') {
    const state = broadcast === null ? null : readBroadcast(broadcast);
    return broadcast !== null && state === null ? null : { type, request, broadcast: state };
  }
  if (type !== 'history' || !Array.isArray(broadcasts)) return null;
  const read = broadcasts.map(readBroadcast).filter((one) => one !== null);
  return read.length === broadcasts.length ? { type, request, broadcasts: read } : null;
}

function readReport(
  { gateway, sent, applied, dropped }: Fields,
  of: { readonly event: string } & Cursor,
): GatewayMessage | null {
  const read = { sent: readDeliveries(sent), applied: readDeliveries(applied) };
  if (!isKey(gateway) || read.sent === null || read.applied === null) return null;
  if (!Array.isArray(dropped) || dropped.length > deliveriesMax || !dropped.every(isId)) return null;
  return { type: 'report', gateway, ...of, sent: read.sent, applied: read.applied, dropped };
}

function readDeliveries(value: unknown): readonly Delivery[] | null {
  if (!Array.isArray(value) || value.length > deliveriesMax) return null;
  const read: Delivery[] = [];
  for (const one of value) {
    if (!isFields(one)) return null;
    const { member, device, delayMs } = one;
    if (!isId(member) || !isId(device) || !isCount(delayMs)) return null;
    read.push({ member, device, delayMs });
  }
  return read;
}

/** By the reader of the devices' protocol: a broadcast is the same everywhere. */
function readBroadcast(value: unknown): Broadcast | null {
  const read = isFields(value) ? readServerMessage(JSON.stringify(value)) : null;
  return read?.type === 'broadcast' ? read : null;
}

function readFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= idLengthMax;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isReason(value: unknown): value is ResyncReason {
  return value === 'NEW' || value === 'EPOCH' || value === 'TOO_OLD' || value === 'AHEAD';
}
