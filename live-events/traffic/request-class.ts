/** What a request is for: from what is kept longest to what goes first. */
export const requestClasses = ['live-critical', 'user', 'prefetch', 'bulk'] as const;

export type RequestClass = (typeof requestClasses)[number];

export const requestClassHeader = 'x-request-class';
/** Of a token: its bearer may say that a request is more urgent than its route. */
export const raiseClassScope = 'traffic:raise';

/** What is known of a request before anything of it is parsed. */
export interface RequestHead {
  /** Without the query string. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const headerCharactersMax = 32;
const prefetchPath = /^\/live\/events\/[^/]{1,64}\/prefetch$/;
const criticalPaths: ReadonlySet<string> = new Set(['/live/socket', '/live/gateway', '/metrics']);

/**
 * Everybody may make a request less urgent than its route; only who has the right may make it more urgent. A header that is too
 * long, repeated or unknown says nothing: otherwise rubbish would raise what its route put low.
 */
export function classOf(head: RequestHead, mayRaise: boolean): RequestClass {
  const ofRoute = routeClass(head.path);
  const claimed = claimedClass(head.headers[requestClassHeader]);
  if (claimed === null) return ofRoute;
  return mayRaise || isBelow(claimed, ofRoute) ? claimed : ofRoute;
}

function routeClass(path: string): RequestClass {
  if (criticalPaths.has(path)) return 'live-critical';
  if (prefetchPath.test(path)) return 'prefetch';
  return path.startsWith('/store/') || path.startsWith('/audiences/') ? 'bulk' : 'user';
}

function claimedClass(header: string | readonly string[] | undefined): RequestClass | null {
  if (typeof header !== 'string' || header.length > headerCharactersMax) return null;
  return requestClasses.find((name) => name === header) ?? null;
}

function isBelow(a: RequestClass, b: RequestClass): boolean {
  return requestClasses.indexOf(a) > requestClasses.indexOf(b);
}

/** One value for each class. */
export function perClass<T>(of: (requestClass: RequestClass) => T): Record<RequestClass, T> {
  return {
    'live-critical': of('live-critical'),
    user: of('user'),
    prefetch: of('prefetch'),
    bulk: of('bulk'),
  };
}
