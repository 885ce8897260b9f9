/** A step as it is written: into a field or a map, into a union's branch, or to a map's key that is no name. */
export type PathSegment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'branch'; readonly name: string }
  | { readonly kind: 'key'; readonly key: string };

export type PathText =
  | { readonly ok: true; readonly segments: readonly PathSegment[] }
  | { readonly ok: false; readonly sentence: string };

const pathCharactersMax = 1_024;
const segmentsMax = 64;
const nameStart = /[A-Za-z_]/;
const token = /\.?([A-Za-z_][A-Za-z0-9_]*)|\[([A-Za-z_][A-Za-z0-9_.]*)\]|\["((?:[^"\\\p{Cc}]|\\["\\])*)"\]/uy;

/**
 * `device.id`, `payment[Card].last4` (the branch `Card` of a union), `labels["os.version"]` (a key of a map that is no name).
 */
export function parsePath(text: string): PathText {
  if (text.length > pathCharactersMax) return refused(`is longer than ${pathCharactersMax} characters`);
  const segments: PathSegment[] = [];
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const match = token.exec(text);
    const dotted = text[at] === '.';
    if (match === null || dotted !== (segments.length > 0 && match[1] !== undefined))
      return unexpected(text, at);
    const [whole, name, branch, key] = match;
    if (name !== undefined) segments.push({ kind: 'name', name });
    else if (branch !== undefined) segments.push({ kind: 'branch', name: branch });
    else segments.push({ kind: 'key', key: (key ?? '').replace(/\\(.)/g, '$1') });
    at += whole.length;
    if (segments.length > segmentsMax) return refused(`has more than ${segmentsMax} steps`);
  }
  return segments.length === 0 ? refused('is empty') : { ok: true, segments };
}

function unexpected(text: string, at: number): PathText {
  const hint = nameStart.test(text[at] ?? '') ? '' : '; a map’s key that is no name is written as ["key"]';
  return refused(`cannot be read from character ${at + 1} on${hint}`);
}

function refused(sentence: string): PathText {
  return { ok: false, sentence };
}
