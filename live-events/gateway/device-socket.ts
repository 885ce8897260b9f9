import { type Server, WebSocket, WebSocketServer } from 'ws';
import { liveSubprotocol, messageBytesMax } from '../../device/index.ts';
import type { Outlet, Wire } from './session.ts';

/**
 * A WebSocket that broadcasts are written past: the frame is made once for all, and goes straight to the connection, which we have from
 * the upgrade and need not take out of ws. That keeps frames whole only while ws itself queues nothing: it does so for compressed
 * messages, for blobs and between fragments, none of which a gateway sends (it sends by `write` and to `outlet` alone; ws adds pongs and
 * closes, each in one go). After a close frame nothing may follow: whoever writes to `outlet` is told by `onClosing` before there is one.
 */
export class DeviceSocket extends WebSocket implements Wire {
  outlet: Outlet = nowhere;
  onClosing: (() => void) | null = null;

  write(frames: Buffer): void {
    if (this.readyState === WebSocket.OPEN && this.outlet.writable) this.outlet.write(frames);
  }

  shut(code: number, reason: string): void {
    this.close(code, reason);
  }

  /** Ours, and that of ws: when the device says goodbye, and when it breaks the protocol. */
  override close(code?: number, data?: string | Buffer): void {
    this.onClosing?.();
    super.close(code, data);
  }
}

/** Of a socket that has no connection yet. */
const nowhere: Outlet = { writable: false, writableLength: 0, write: () => undefined };

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
