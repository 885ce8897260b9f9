const linesMax = 2_000;

/** Lines that differ, `-` the old and `+` the new ones, in their order; by the longest common subsequence. */
export function lineDiff(before: string, after: string): readonly string[] {
  const old = before.split('\n').slice(0, linesMax);
  const now = after.split('\n').slice(0, linesMax);
  const lengths = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row === undefined) continue;
      row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i += 1;
      j += 1;
    } else if (j >= now.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`- ${old[i] ?? ''}`);
      i += 1;
    } else {
      lines.push(`+ ${now[j] ?? ''}`);
      j += 1;
    }
  }
  return lines;
}
