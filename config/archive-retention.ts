import { dayMs } from './setting-spec.ts';
import { parseSetting } from './setting-value.ts';

const form = /^([^=\s]{1,255})=(\w+)$/;
const span = {
  section: 'archive',
  kind: 'number',
  unit: 'ms',
  default: dayMs,
  min: dayMs,
  max: 36_500 * dayMs,
  description: '',
} as const;

/** Milliseconds by topic, `*` for all others. Null when an item says something else, or a topic twice. */
export function readArchiveRetention(items: readonly string[]): ReadonlyMap<string, number> | null {
  const byTopic = new Map<string, number>();
  for (const item of items) {
    const [, topic, text] = form.exec(item) ?? [];
    if (topic === undefined || text === undefined || byTopic.has(topic)) return null;
    const parsed = parseSetting(span, text);
    if (!parsed.ok || typeof parsed.value !== 'number') return null;
    byTopic.set(topic, parsed.value);
  }
  return byTopic;
}
