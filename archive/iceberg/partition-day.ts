/** `day(timestamp)`: whole days since 1970, downwards before it; no timestamp, no day. */
export function partitionDay(timestampMs: number | null): number | null {
  // Kafka says -1 for a record without a timestamp.
  if (timestampMs === null || timestampMs === -1) return null;
  return Math.floor(timestampMs / millisecondsOfDay);
}

/** As Iceberg's writers name the folder of a day. */
export function dayText(day: number | null): string {
  return day === null ? 'null' : new Date(day * millisecondsOfDay).toISOString().slice(0, 10);
}

export const millisecondsOfDay = 86_400_000;
