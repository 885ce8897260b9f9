/** The table that a topic is archived in: letters, digits and `_`, as every engine's SQL takes them without quotes. */
export function tableNameOf(topic: string): string {
  return topic.replaceAll(/[^A-Za-z0-9_]/g, '_').toLowerCase();
}
