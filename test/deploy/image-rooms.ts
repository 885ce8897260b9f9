import { isTestOnly } from '../check/source-files.ts';

interface Source {
  readonly path: string;
  readonly source: string;
}

const otherRoom = /(?:from|import\()\s*'(?:\.\.\/)+([a-z-]+)\/[^']+'/g;

/** The rooms that the command line imports, directly or through others: what the image has to hold. */
export function roomsOfCommand(modules: readonly Source[]): readonly string[] {
  const rooms = new Set(['cli']);
  for (const room of rooms) {
    for (const { path, source } of modules) {
      if (!path.startsWith(`${room}/`) || isTestOnly(path)) continue;
      for (const [, other] of source.matchAll(otherRoom)) {
        if (other !== undefined && modules.some((module) => module.path.startsWith(`${other}/`)))
          rooms.add(other);
      }
    }
  }
  return [...rooms].sort();
}

/** Of these rooms, those that `.dockerignore` keeps out of the image. */
export function roomsLeftOut(rooms: readonly string[], dockerignore: string): readonly string[] {
  const taken = new Set(
    dockerignore.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : [])),
  );
  return rooms.filter((room) => !taken.has(room));
}
