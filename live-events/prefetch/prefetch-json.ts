import type { PrefetchCopy } from './prefetch.ts';

/** As devices read it; the text of the stage map is used as it is kept. */
export function prefetchText({ stageMap, kind: _kind, ...rest }: PrefetchCopy): string {
  return `${JSON.stringify(rest).slice(0, -1)},"stageMap":${stageMap.text}}`;
}

/** The same as a value. */
export function prefetchValue({ stageMap, kind: _kind, ...rest }: PrefetchCopy): object {
  return { ...rest, stageMap: stageMap.value };
}
