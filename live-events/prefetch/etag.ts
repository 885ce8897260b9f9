const lengthMax = 1024;

/** Whether one of those in `If-None-Match` is this one. Weak ones count: a copy that says the same is as good. */
export function matchesEtag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.length > lengthMax) return false;
  return ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}
