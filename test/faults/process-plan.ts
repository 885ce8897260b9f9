import { seededRandom } from '../../foundation/index.ts';

export type Fault = { readonly afterMs: number } & (
  | { readonly kind: 'kill'; readonly downMs: number }
  | { readonly kind: 'freeze'; readonly beyondMs: number }
  | { readonly kind: 'node' }
  | { readonly kind: 'broker' }
);

const killsPerFreeze = 6;
/** Some fall before a process that was started has read anything, some into the sharing out of partitions, some behind it. */
const pauseMaxMs = 12_000;
const downMaxMs = 3_000;
/** Beyond the session timeout: the others have the partitions by then, or are being given them. */
const beyondMaxMs = 6_000;

/** So many kills, and freezes among them; a node goes down after a quarter of all, a broker after a half. The same for one seed. */
export function planFaults(seed: number, kills: number): readonly Fault[] {
  const random = seededRandom(seed);
  const afterMs = (): number => Math.floor(random() * pauseMaxMs);
  const faults: Fault[] = Array.from({ length: kills }, () => ({
    kind: 'kill',
    afterMs: afterMs(),
    downMs: Math.floor(random() * downMaxMs),
  }));
  const freezes = Math.ceil(kills / killsPerFreeze);
  for (let count = 0; count < freezes; count += 1) {
    const at = Math.floor(random() * (faults.length + 1));
    faults.splice(at, 0, {
      kind: 'freeze',
      afterMs: afterMs(),
      beyondMs: 1_000 + Math.floor(random() * beyondMaxMs),
    });
  }
  const [quarter, half] = [Math.floor(faults.length / 4), Math.floor(faults.length / 2)];
  faults.splice(half, 0, { kind: 'broker', afterMs: afterMs() });
  faults.splice(quarter, 0, { kind: 'node', afterMs: afterMs() });
  return faults;
}

/** About how long they take, one after the other. */
export function secondsOf(faults: readonly Fault[], sessionTimeoutMs: number): number {
  const beyondMs = { kill: 1_000, freeze: sessionTimeoutMs + 3_000, node: 0, broker: 0 };
  const ms = faults.reduce((sum, fault) => {
    const own = fault.kind === 'kill' ? fault.downMs : fault.kind === 'freeze' ? fault.beyondMs : 0;
    return sum + fault.afterMs + own + beyondMs[fault.kind];
  }, 0);
  // However few they are, both outages are waited for.
  return Math.max(120, ms / 1_000);
}
