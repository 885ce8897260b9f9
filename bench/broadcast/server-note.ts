/** What a server's process of the benchmark is told, and what it says. */
export type ServerOrder =
  | { readonly kind: 'broadcast'; readonly text: string }
  /** Collect garbage, so that what stays resident is what is needed. */
  | { readonly kind: 'collect' };

export type ServerNote =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'collected' };

/** Ends with whoever started it. */
export function serveOrders(port: number, broadcast: (text: string) => void): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (order: ServerOrder) => {
    if (order.kind === 'broadcast') broadcast(order.text);
    else {
      globalThis.gc?.();
      say({ kind: 'collected' });
    }
  });
  say({ kind: 'listening', port });
}

function say(note: ServerNote): void {
  process.send?.(note);
}
