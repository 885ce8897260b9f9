/** One HTTP request that no honest client sends. */
export interface Attack {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Search parameters after `/graphql`, with their `?`. */
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** `extensions.code` of the refusal. */
  readonly code: string;
}

/** Null when the answer refuses the attack as it should; else what is wrong with it. */
export function refusalFault({ code }: Attack, status: number, text: string): string | null {
  const { errors, data }: Refused = JSON.parse(text);
  const codes = (errors ?? []).map(({ extensions }) => extensions?.code);
  if (!codes.includes(code)) return `the codes are ${codes.join(', ') || 'none'}, not ${code}`;
  if (Object.values(data ?? {}).some((value) => value !== null)) return 'there is data in the answer';
  // A field that refuses its own argument answers null beside the fields of others: that is no fault of the request.
  const byField = errors?.every(({ path }) => path !== undefined) === true;
  const expected = byField ? status < 500 : status >= 400 && status < 500;
  return expected ? null : `the status is ${status}`;
}

interface Refused {
  readonly errors?: readonly {
    readonly path?: readonly unknown[];
    readonly extensions?: { code?: string };
  }[];
  readonly data?: Readonly<Record<string, unknown>> | null;
}

const json = { 'content-type': 'application/json' };
const account = 'of: {type: "Account", id: "acc-0000001"}';
const typename = '{"query":"{__typename}"}';

function query(name: string, code: string, text: string, variables: unknown = {}): Attack {
  return post(name, code, JSON.stringify({ query: text, variables }));
}

function post(
  name: string,
  code: string,
  body: string,
  headers: Readonly<Record<string, string>> = json,
): Attack {
  return { name, method: 'POST', search: '', headers, body, code };
}

function get(name: string, code: string, search: string): Attack {
  return { name, method: 'GET', search, headers: {}, body: null, code };
}

function repeated(count: number, write: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => write(i)).join(' ');
}

function journey(args: string): string {
  return `{ journey(${account}, ${args}) { edges { cursor } } }`;
}

/** An object within an object, so many times: deeper than a parser that recurses can go. */
function nestedJson(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
}

function members(write: (i: number) => unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, write(i)]));
}

const deep: readonly Attack[] = [
  query('a query 3,000 levels deep', 'QUERY_TOO_LARGE', '{a'.repeat(3000) + '}'.repeat(3000)),
  query('a query 20 levels deep', 'QUERY_TOO_LARGE', '{a'.repeat(20) + '}'.repeat(20)),
  query(
    'inline fragments 3,000 levels deep',
    'QUERY_TOO_LARGE',
    `${'{...'.repeat(3000)}{a}${'}'.repeat(3000)}`,
  ),
  query(
    'an input object 3,000 levels deep',
    'QUERY_TOO_LARGE',
    `{ journey(of: ${'{a:'.repeat(3000)}1${'}'.repeat(3000)}) { edges { cursor } } }`,
  ),
  query(
    'an input object 60 levels deep',
    'GRAPHQL_VALIDATION_FAILED',
    `{ journey(of: ${'{a:'.repeat(60)}1${'}'.repeat(60)}) { edges { cursor } } }`,
  ),
  query('lists 3,000 levels deep', 'QUERY_TOO_LARGE', `{ node(type: ${'['.repeat(3000)}) { id } }`),
  post(
    'a variable 20,000 levels deep',
    'QUERY_TOO_LARGE',
    `{"query":"query($of: NodeRefInput!) { journey(of: $of) { edges { cursor } } }","variables":{"of":${nestedJson(20_000)}}}`,
  ),
  post('a body of 100,000 brackets', 'BAD_REQUEST', '['.repeat(100_000)),
];

const wide: readonly Attack[] = [
  query('20,000 aliases', 'QUERY_TOO_LARGE', `{${repeated(20_000, (i) => `a${i}:id`)}}`),
  query('16 aliases', 'QUERY_TOO_LARGE', `{${repeated(16, (i) => `a${i}:__typename`)}}`),
  query('10,000 directives', 'QUERY_TOO_LARGE', `{__typename ${'@a '.repeat(10_000)}}`),
  query('490 directives that are none', 'GRAPHQL_VALIDATION_FAILED', `{__typename ${'@a '.repeat(490)}}`),
  query(
    '120 directives of one name',
    'GRAPHQL_VALIDATION_FAILED',
    `{__typename ${'@skip(if: false) '.repeat(120)}}`,
  ),
  query('20,000 fields', 'QUERY_TOO_LARGE', `{${'__typename '.repeat(20_000)}}`),
  query(
    '60 fields that contradict each other in pairs',
    'GRAPHQL_VALIDATION_FAILED',
    `{${repeated(60, (i) => `node(type: "A", id: "${i}") {id}`)}}`,
  ),
  query('a field name of 100,000 letters', 'GRAPHQL_VALIDATION_FAILED', `{${'a'.repeat(100_000)}}`),
  query('900 field names that are none', 'GRAPHQL_VALIDATION_FAILED', `{${repeated(900, (i) => `nod${i}`)}}`),
  query(
    '240 arguments that are none',
    'GRAPHQL_VALIDATION_FAILED',
    `{ node(${repeated(240, (i) => `typ${i}: 1`)}) { id } }`,
  ),
  query(
    '100,000 empty lines before 300 fields that are none',
    'QUERY_TOO_LARGE',
    `{${'\n'.repeat(100_000)}${'nope '.repeat(300)}}`,
  ),
  query(
    '1,900 empty lines before 150 variables of one name',
    'GRAPHQL_VALIDATION_FAILED',
    `query(${'\n'.repeat(1900)}${'$a: Int '.repeat(150)}) {__typename}`,
  ),
  query('a number of 100,000 digits', 'GRAPHQL_VALIDATION_FAILED', journey(`first: ${'9'.repeat(100_000)}`)),
  query(
    '150 variables of one name',
    'GRAPHQL_VALIDATION_FAILED',
    `query(${'$a: Int '.repeat(150)}) {__typename}`,
  ),
  query('5,000 variables of one name', 'QUERY_TOO_LARGE', `query(${'$a: Int '.repeat(5000)}) {__typename}`),
  query(
    '5,000 operations',
    'QUERY_TOO_LARGE',
    repeated(5000, (i) => `query Q${i} {__typename}`),
  ),
];

const cyclic: readonly Attack[] = [
  query('a fragment that spreads itself', 'QUERY_TOO_LARGE', '{...A} fragment A on Query {...A}'),
  query(
    'a ring of 30 fragments',
    'QUERY_TOO_LARGE',
    `{...F0} ${repeated(30, (i) => `fragment F${i} on Query {...F${(i + 1) % 30}}`)}`,
  ),
  query(
    'fragments that each spread all others',
    'QUERY_TOO_LARGE',
    `{...F0} ${repeated(15, (i) => `fragment F${i} on Query {${repeated(15, (to) => `...F${to}`)}}`)}`,
  ),
  query(
    '251 spreads of one fragment',
    'QUERY_TOO_LARGE',
    `{${'...A '.repeat(251)}} fragment A on Query {__typename}`,
  ),
];

const introspecting: readonly Attack[] = [
  query(
    'introspection that fans out over fields',
    'GRAPHQL_VALIDATION_FAILED',
    `{__schema{types{${'fields{type{'.repeat(5)}name${'}}'.repeat(5)}}}}`,
  ),
  query(
    'introspection of all types under each type',
    'QUERY_TOO_LARGE',
    '{__schema{types{interfaces{possibleTypes{name}}}}}',
  ),
  query(
    'introspection under 15 aliases',
    'QUERY_TOO_LARGE',
    `{${repeated(15, (i) => `a${i}: __schema{types{fields{name}}}`)}}`,
  ),
];

const large: readonly Attack[] = [
  query('a first of 99,999,999', 'BAD_USER_INPUT', journey('first: 99999999')),
  query(
    'a variable of 200,000 letters',
    'BAD_USER_INPUT',
    'query($id: ID!) { node(type: "A", id: $id) { id } }',
    {
      id: 'x'.repeat(200_000),
    },
  ),
  query('30,000 domains in a variable', 'BAD_USER_INPUT', `query($d: [String!]) ${journey('domains: $d')}`, {
    d: Array.from({ length: 30_000 }, (_, i) => `d${i}`),
  }),
  query(
    '60,000 numbers where names belong',
    'BAD_USER_INPUT',
    `query($d: [String!]) ${journey('domains: $d')}`,
    { d: Array.from({ length: 60_000 }, () => 1) },
  ),
  query(
    '20,000 unknown fields in a variable',
    'QUERY_TOO_LARGE',
    'query($of: NodeRefInput!) { journey(of: $of) { edges { cursor } } }',
    { of: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 1])) },
  ),
  query(
    '32 unknown fields of 32 fields in a variable',
    'BAD_USER_INPUT',
    'query($of: NodeRefInput!) { journey(of: $of) { edges { cursor } } }',
    { of: members(() => members(() => 1)) },
  ),
  post('a body of 1 MB', 'REQUEST_TOO_LARGE', `{"query":"${'x'.repeat(1_000_000)}"}`),
];

const forged: readonly Attack[] = [
  post('a batch of 500', 'BAD_REQUEST', `[${Array.from({ length: 500 }, () => typename).join(',')}]`),
  get('a GET that any page could send', 'BAD_REQUEST', '?query={__typename}'),
  post('a POST that any form could send', 'BAD_REQUEST', typename, { 'content-type': 'text/plain' }),
  post('a form', 'BAD_REQUEST', 'query={__typename}', {
    'content-type': 'application/x-www-form-urlencoded',
  }),
  post('no JSON', 'BAD_REQUEST', '{"query":'),
];

/** Each is to be refused with its code before it costs anything. */
export const attacks: readonly Attack[] = [
  ...deep,
  ...wide,
  ...cyclic,
  ...introspecting,
  ...large,
  ...forged,
];
