import type { Audiences } from '../../query-api/index.ts';
import type { AudienceMembers } from '../ports.ts';

const pageMembers = 1024;

/** A frozen audience as the other parts see it; ids without their type. Null while it is not there. */
export function audienceMembers(
  audiences: Pick<Audiences, 'get' | 'segments'>,
  id: string,
): AudienceMembers | null {
  const audience = audiences.get(id);
  if (audience?.state !== 'READY') return null;
  const { memberType, size } = audience.row;
  const { segments } = audiences;
  return {
    id,
    memberType,
    count: size,
    numbersOf: (memberIds) => segments.positionsOf(id, memberIds),
    idsOf: (numbers) => segments.idsAt(id, numbers),
    pages: () => pagesOf(segments, id, size),
  };
}

async function* pagesOf(
  segments: Audiences['segments'],
  id: string,
  size: number,
): AsyncGenerator<readonly string[]> {
  for (let from = 0; from < size; from += pageMembers) {
    const length = Math.min(pageMembers, size - from);
    yield await segments.idsAt(
      id,
      Array.from({ length }, (_, i) => from + i),
    );
  }
}
