import { Swarm, type SwarmOrder } from './swarm.ts';

export interface SwarmQuestion {
  readonly kind: 'progress' | 'arrivals';
}
export type SwarmNote =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }
  | {
      readonly kind: 'progress';
      readonly received: number;
      readonly closed: number;
      readonly collapsed: number;
      readonly fault: string | null;
    }
  | { readonly kind: 'arrivals'; readonly arrivals: readonly Float64Array[] };

function tell(note: SwarmNote): void {
  process.send?.(note);
}

async function main(order: SwarmOrder): Promise<void> {
  const swarm = await Swarm.connect(order);
  process.on('message', ({ kind }: SwarmQuestion) => {
    if (kind === 'progress') tell({ kind: 'progress', received: swarm.received, ...swarm.trouble });
    else tell({ kind: 'arrivals', arrivals: swarm.arrivals() });
  });
  tell({ kind: 'ready' });
}

process.on('disconnect', () => process.exit());
try {
  await main(JSON.parse(process.argv[2] ?? '{}'));
} catch (error) {
  tell({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
}
