/** The machine's monotonic clock, the same for all processes; `performance.now` counts from the start of each. */
const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export function monotonicMs(): number {
  return originMs + performance.now();
}
