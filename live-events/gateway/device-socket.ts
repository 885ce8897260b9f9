import type { Duplex } from 'node:stream';
import { type Server, WebSocket, WebSocketServer } from 'ws';
import { liveSubprotocol, messageBytesMax } from '../../device/index.ts';
import type { Wire } from './session.ts';

/**
 * A WebSocket that broadcasts are written past: the frame is made once for all, and goes straight to the connection, which we have from
 * the upgrade and need not take out of ws. That keeps frames whole only while ws itself queues nothing: it does so for compressed
 * messages, for blobs and between fragments, none of which a gateway sends (it sends by `write` alone; ws adds pongs and closes, each
 * in one go). After a close frame nothing may follow: `open` says so.
 */
export class DeviceSocket extends WebSocket implements Wire {
  connection: Duplex | null = null;

  get open(): boolean {
    return this.readyState === WebSocket.OPEN && this.connection?.writable === true;
  }

  get waitingBytes(): number {
    return this.connection?.writableLength ?? 0;
  }

  write(frames: Buffer): void {
    if (this.open) this.connection?.write(frames);
  }

  shut(code: number, reason: string): void {
    this.close(code, reason);
  }
}

export function createSocketServer(closeMs: number): Server<typeof DeviceSocket> {
  const options = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    WebSocket: DeviceSocket,
    // A constant: what was parsed would keep the header with its token alive.
    handleProtocols: () => liveSubprotocol,
    closeTimeout: closeMs,
  };
  return new WebSocketServer(options);
}
