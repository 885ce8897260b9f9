/** Names that say how events are wrapped, not what they are about. */
const wrapping = /^(?:Envelope|Event|Message|Record|Value|Payload|Row|Key|Data)$/i;

/** What a record is about by its full name: of an envelope, the last part of its namespace. */
export function subjectName(fullName: string): string {
  const parts = fullName.split('.');
  const name = parts.at(-1) ?? '';
  const chosen = wrapping.test(name) ? (parts.at(-2) ?? name) : name;
  const bare = chosen.replace(/(?<=.)(?:Event|Message|Avro|_event|_message)$/, '');
  return bare === '' ? 'Event' : bare;
}

export function pascal(name: string): string {
  const isShouted = name === name.toUpperCase();
  const joined = name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + (isShouted ? part.slice(1).toLowerCase() : part.slice(1)))
    .join('');
  return joined === '' ? 'Thing' : joined;
}

export function constant(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .slice(0, 60);
}

/** `titles` are rows of a title. */
export function singular(name: string): string {
  if (/ies$/i.test(name)) return name.replace(/ies$/i, 'y');
  if (/(?:ss|x|ch|sh)es$/i.test(name)) return name.replace(/es$/i, '');
  return /(?:ss|us|is)$/i.test(name) ? name : name.replace(/s$/i, '');
}
