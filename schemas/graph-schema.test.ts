import { describe, expect, test } from 'vitest';
import { normalizers } from '../processors/index.ts';
import { AvroSchema } from './avro-type.ts';
import { loadCatalog } from './catalog/index.ts';
import { describeGraph } from './graph-schema.ts';
import { declarationsOf, type GraphDeclarations, mergeDeclarations } from './graph-schema-declarations.ts';
import { graphqlFieldName, graphqlTypeName } from './graph-schema-names.ts';
import { conflictsOf, declared } from './graph-schema-testing.ts';
import { compileMapping } from './mapping-plan.ts';

function accountWith(subject: string, properties: object, id: unknown = 'text'): GraphDeclarations {
  return declared(subject, { nodes: [{ type: 'Account', id, properties }] });
}

function edge(subject: string, type: string, from: string, to: string): GraphDeclarations {
  const nodes = [
    { as: 'from', type: from, id: 'text' },
    { as: 'to', type: to, id: 'text' },
  ];
  return declared(subject, { nodes, edges: [{ type, from: 'from', to: 'to' }] });
}

test('the schema of the bundled catalog is the union of its mappings, without a conflict', async () => {
  const catalog = await loadCatalog();
  const tables = new Map(catalog.map(({ topic, text }) => [topic, new AvroSchema(text)]));
  const parts = catalog.map(({ subject, text }) =>
    declarationsOf(compileMapping({ subject, version: 1 }, new AvroSchema(text), normalizers, tables)),
  );
  const { schema, conflicts } = describeGraph(mergeDeclarations(parts));
  expect(conflicts).toEqual([]);
  expect(schema.nodeTypes.map(({ name }) => name)).toEqual([
    ...['Account', 'Achievement', 'Ad', 'Campaign', 'Device', 'Game'],
    ...['Genre', 'LiveShow', 'Partner', 'Profile', 'Title'],
  ]);
  const live = ['live.attendance-value', 'live.invitation-value', 'live.reaction-value'];
  expect(schema.nodeTypes.find(({ name }) => name === 'LiveShow')).toMatchObject({
    name: 'LiveShow',
    idKind: 'text',
    properties: [
      { name: 'name', kind: 'text', declaredBy: live },
      { name: 'startsAt', kind: 'timestamp', declaredBy: ['live.attendance-value', 'live.invitation-value'] },
    ],
    declaredBy: live,
  });
  expect(schema.edgeTypes.find(({ name }) => name === 'BELONGS_TO')?.ends).toEqual([
    { from: 'Ad', to: 'Campaign', declaredBy: ['ads.click-value', 'ads.impression-value'] },
    { from: 'Game', to: 'Title', declaredBy: ['games.launch-value'] },
    { from: 'LiveShow', to: 'Title', declaredBy: ['live.attendance-value', 'live.invitation-value'] },
  ]);
  expect(schema.domains.find(({ name }) => name === 'streaming')).toEqual({
    name: 'streaming',
    actions: [
      { name: 'rated', declaredBy: ['streaming.rating-value'] },
      { name: 'searched', declaredBy: ['streaming.search-value'] },
      { name: 'started watching', declaredBy: ['streaming.playback-value'] },
      { name: 'watched', declaredBy: ['streaming.playback-stopped-value'] },
    ],
    declaredBy: [
      'streaming.playback-stopped-value',
      'streaming.playback-value',
      'streaming.rating-value',
      'streaming.search-value',
    ],
  });
});

test('nodes, edges and properties of loops are part of the schema', () => {
  const nodes = [{ type: 'Account', id: 'text' }];
  const inner = {
    in: 'items',
    as: 'item',
    nodes: [{ type: 'Title', id: 'item', properties: { name: 'item' } }],
    edges: [{ type: 'LISTED', from: 'Account', to: 'Title', properties: { price: 'decimal' } }],
  };
  const { schema } = describeGraph(declared('a', { nodes, forEach: [inner] }));
  expect(schema.nodeTypes.map(({ name }) => name)).toEqual(['Account', 'Title']);
  expect(schema.edgeTypes).toMatchObject([
    {
      name: 'LISTED',
      ends: [{ from: 'Account', to: 'Title', declaredBy: ['a'] }],
      properties: [{ name: 'price', kind: 'decimal', declaredBy: ['a'] }],
      declaredBy: ['a'],
    },
  ]);
});

describe('a property', () => {
  test.each<[unknown, string]>([
    ['text', 'text'],
    ['uuid', 'text'],
    ['enum', 'text'],
    ['flag', 'boolean'],
    ['small', 'integer'],
    ['big', 'integer'],
    ['float', 'number'],
    ['double', 'number'],
    ['bytes', 'bytes'],
    ['decimal', 'decimal'],
    ['date', 'date'],
    ['clock', 'time of day'],
    ['at', 'timestamp'],
    ['micros', 'timestamp'],
    [{ cel: 'small + 1' }, 'integer'],
    [{ value: 3 }, 'integer'],
    [{ value: 3.5 }, 'number'],
    [{ value: 'x' }, 'text'],
  ])('from %j is of the kind %s', (value, kind) => {
    const [account] = describeGraph(accountWith('a', { it: value })).schema.nodeTypes;
    expect(account?.properties).toMatchObject([{ name: 'it', kind, many: false, declaredBy: ['a'] }]);
  });

  test.each<[unknown, unknown, string | null]>([
    ['small', 'big', 'integer'],
    ['small', 'double', 'number'],
    [{ value: 3 }, 'double', 'number'],
    [{ value: 3 }, 'big', 'integer'],
    ['text', 'enum', 'text'],
    ['at', 'micros', 'timestamp'],
    ['big', 'double', null],
    ['small', 'text', null],
    ['at', 'big', null],
    ['decimal', 'double', null],
    ['date', 'text', null],
    ['flag', 'small', null],
  ])('that is %j to one and %j to another is %s to both', (one, other, kind) => {
    const merged = mergeDeclarations([accountWith('a', { it: one }), accountWith('b', { it: other })]);
    const { schema, conflicts } = describeGraph(merged);
    expect(conflicts.map(({ path }) => path)).toEqual(kind === null ? ['Account.it'] : []);
    if (kind !== null)
      expect(schema.nodeTypes[0]?.properties[0]).toMatchObject({ name: 'it', kind, declaredBy: ['a', 'b'] });
  });

  test('that two subjects agree on with a third, and not with each other, is a conflict', () => {
    const parts = [
      accountWith('a', { it: 'big' }),
      accountWith('b', { it: 'small' }),
      accountWith('c', { it: 'double' }),
    ];
    expect(conflictsOf(...parts.slice(0, 2))).toEqual([]);
    expect(conflictsOf(...parts.slice(1))).toEqual([]);
    expect(conflictsOf(...parts)).toHaveLength(1);
  });

  test('in conflict names both subjects, what they read it from, and what to do', () => {
    expect(
      conflictsOf(accountWith('b', { plan: 'text' }), accountWith('a', { plan: { cel: 'small * 2' } })),
    ).toEqual([
      {
        path: 'Account.plan',
        sentence:
          'is integer of 64 bits in a (`small * 2`) and text in b (`text`): give one of them another name, or bring both to one kind with `apply` or `cel`',
        declaredBy: ['a', 'b'],
      },
    ]);
  });

  test('that one subject declares twice in two kinds is a conflict too, even where both are written alike', () => {
    const nodes = [
      { as: 'one', type: 'Account', id: 'text', properties: { level: { value: 3 } } },
      { as: 'other', type: 'Account', id: 'uuid', properties: { level: { value: '3' } } },
    ];
    expect(conflictsOf(declared('a', { nodes }))).toMatchObject([
      { path: 'Account.level', declaredBy: ['a'] },
    ]);
  });

  test('of an edge is another than that of the same name on a node', () => {
    const nodes = [{ type: 'Account', id: 'text', properties: { it: 'text' } }];
    const edges = [{ type: 'KNOWS', from: 'Account', to: 'Account', properties: { it: 'small' } }];
    expect(conflictsOf(declared('a', { nodes, edges }))).toEqual([]);
    const other = [{ type: 'KNOWS', from: 'Account', to: 'Account', properties: { it: 'flag' } }];
    const parts = [declared('a', { nodes, edges }), declared('b', { nodes, edges: other })];
    expect(conflictsOf(...parts)).toMatchObject([{ path: 'KNOWS.it', declaredBy: ['a', 'b'] }]);
  });
});

describe('an id', () => {
  test.each<[unknown, unknown, boolean]>([
    ['small', 'big', true],
    ['text', 'uuid', true],
    ['text', 'enum', true],
    ['text', { cel: 'string(big)' }, true],
    ['big', 'text', false],
    ['date', 'text', false],
    ['date', 'small', false],
  ])('that is %j to one and %j to another: they agree is %s', (one, other, agree) => {
    const conflicts = conflictsOf(accountWith('a', {}, one), accountWith('b', {}, other));
    expect(conflicts.map(({ path, declaredBy }) => [path, declaredBy])).toEqual(
      agree ? [] : [['Account', ['a', 'b']]],
    );
  });
});

describe('an edge type', () => {
  test('may have one end for each beginning', () => {
    const parts = [edge('a', 'BELONGS_TO', 'Game', 'Title'), edge('b', 'BELONGS_TO', 'Ad', 'Campaign')];
    expect(conflictsOf(...parts)).toEqual([]);
    expect(conflictsOf(edge('a', 'INVITED', 'Account', 'Account'))).toEqual([]);
  });

  test('that two subjects send elsewhere from the same beginning is a conflict', () => {
    expect(
      conflictsOf(edge('b', 'WATCHED', 'Account', 'Movie'), edge('a', 'WATCHED', 'Account', 'Title')),
    ).toEqual([
      {
        path: 'WATCHED',
        sentence:
          'leads from Account to Movie in b and from Account to Title in a: name one of the two relationships otherwise, or correct the mapping that has it wrong',
        declaredBy: ['a', 'b'],
      },
    ]);
  });

  test('that one subject turns round is a conflict', () => {
    const conflicts = conflictsOf(
      edge('a', 'WATCHED', 'Account', 'Title'),
      edge('b', 'WATCHED', 'Title', 'Account'),
    );
    expect(conflicts).toMatchObject([{ path: 'WATCHED', declaredBy: ['a', 'b'] }]);
  });
});

describe('what only one mapping has to say', () => {
  const watched = (subject: string, more: object, properties: object = {}): GraphDeclarations =>
    declared(subject, {
      nodes: [
        { type: 'Account', id: 'text' },
        { type: 'Title', id: 'text' },
      ],
      edges: [{ type: 'WATCHED', from: 'Account', to: 'Title', properties, ...more }],
    });

  test('is taken from the one that says it', () => {
    const parts = [
      watched('a', {}, { it: 'big' }),
      watched('b', { ttl: '2d' }, { it: { path: 'small', fold: 'sum' } }),
      declared('c', { nodes: [{ type: 'Account', id: 'text', ttl: '30s' }] }),
    ];
    const { schema, conflicts } = describeGraph(mergeDeclarations(parts));
    expect(conflicts).toEqual([]);
    expect(schema.nodeTypes.map(({ name, ttlMs }) => [name, ttlMs])).toEqual([['Account', 30_000], ['Title', null]]); // biome-ignore format: one row
    expect(schema.edgeTypes).toMatchObject([
      {
        keyed: false,
        ttlMs: 172_800_000,
        properties: [{ name: 'it', kind: 'integer', many: false, fold: 'sum' }],
      },
    ]);
  });
  test('makes an edge property a list when it is gathered', () => {
    const { schema } = describeGraph(watched('a', {}, { it: { path: 'text', fold: 'set' } }));
    expect(schema.edgeTypes[0]?.properties).toMatchObject([{ many: true, fold: 'set' }]);
  });
  test.each<[string, GraphDeclarations, GraphDeclarations, string, string]>([
    [
      'times to live',
      watched('a', { ttl: '2d' }),
      watched('b', { ttl: '1d' }),
      'WATCHED',
      'is kept for 172800 s in a and for 86400 s in b: a type has one `ttl`, which one of the mappings declares',
    ],
    [
      'keys',
      watched('a', { key: 'text' }),
      watched('b', {}),
      'WATCHED',
      'is declared with a key in a and without one in b: give it a `key` everywhere or nowhere, or name one of the two relationships otherwise',
    ],
    [
      'folds',
      watched('a', {}, { it: { path: 'big', fold: 'max' } }),
      watched('b', {}, { it: { path: 'big', fold: 'sum' } }),
      'WATCHED.it',
      'is folded by `max` in a and by `sum` in b: a property has one `fold`, which one of the mappings declares',
    ],
    [
      'sets',
      accountWith('a', { it: { path: 'items', set: 'add' } }),
      accountWith('b', { it: 'text' }),
      'Account.it',
      'has one value in b and several values in a: write it with `set` everywhere or nowhere, or give one of them another name',
    ],
  ])('is a conflict when two say otherwise: %s', (_what, one, other, path, sentence) => {
    const expected = [{ path, sentence, declaredBy: ['a', 'b'] }];
    expect(conflictsOf(one, other)).toEqual(expected);
    expect(conflictsOf(other, one)).toEqual(expected);
    expect(conflictsOf(one, one)).toEqual([]);
  });
});

describe('a name', () => {
  test.each([
    ['live_show', 'LiveShow', 'liveShow'],
    ['LiveShow', 'LiveShow', 'liveShow'],
    ['LIVE_SHOW', 'LiveShow', 'liveShow'],
    ['appVersion', 'AppVersion', 'appVersion'],
    ['_hidden', 'Hidden', 'hidden'],
    ['_1st', '_1st', '_1st'],
    ['_', '_', '_'],
    ['URL', 'Url', 'url'],
  ])('%s is %s among types and %s among fields', (name, type, field) => {
    expect(graphqlTypeName(name)).toBe(type);
    expect(graphqlFieldName(name)).toBe(field);
  });

  test.each(['Query', 'query', 'Node', 'PageInfo', 'page_info', 'Subscription', 'I_D', 'Step'])(
    'of a node type that GraphQL or the API needs, %s, is a conflict',
    (type) => {
      const conflicts = conflictsOf(declared('a', { nodes: [{ type, id: 'text' }] }));
      expect(conflicts).toMatchObject([{ path: type, declaredBy: ['a'] }]);
      expect(conflicts[0]?.sentence).toContain(`is called \`${graphqlTypeName(type)}\` in GraphQL`);
    },
  );

  test('that hides the id of its node is a conflict', () => {
    expect(conflictsOf(accountWith('a', { id: 'text' }))).toMatchObject([{ path: 'Account.id' }]);
  });

  test('that becomes another one in GraphQL is a conflict, for types, properties and edges alike', () => {
    const one = declared('a', { nodes: [{ type: 'LiveShow', id: 'text', properties: { startsAt: 'at' } }] });
    const other = declared('b', { nodes: [{ type: 'live_show', id: 'text' }] });
    expect(conflictsOf(one, other)).toEqual([
      {
        path: 'LiveShow',
        sentence:
          '(a) and `live_show` (b) are both `LiveShow` in GraphQL: write the node type in one way, or give one another name',
        declaredBy: ['a', 'b'],
      },
    ]);
    const property = declared('b', {
      nodes: [{ type: 'LiveShow', id: 'text', properties: { STARTS_AT: 'at', startsAT: 'at' } }],
    });
    expect(conflictsOf(property)).toEqual([]);
    expect(
      conflictsOf(
        declared('b', { nodes: [{ type: 'LiveShow', id: 'text', properties: { starts_at: 'at' } }] }),
        one,
      ),
    ).toMatchObject([{ path: 'LiveShow.startsAt', declaredBy: ['a', 'b'] }]);
    expect(
      conflictsOf(edge('a', 'BELONGS_TO', 'Game', 'Title'), edge('b', 'belongsTo', 'Game', 'Title')),
    ).toMatchObject([{ path: 'BELONGS_TO', declaredBy: ['a', 'b'] }]);
  });
});

test('a sentence names whoever says something else, however many say the same', () => {
  const many = Array.from({ length: 200 }, (_, i) => edge(`s${i}`, 'SAW', 'Account', 'Ad'));
  const [conflict] = conflictsOf(...many, edge('z', 'SAW', 'Account', 'Title'));
  expect(conflict?.declaredBy).toHaveLength(201);
  expect(conflict?.sentence).toMatch(
    /^leads from Account to Ad in s0, s1, s10 and 197 more and from Account to Title in z: /,
  );
});

test('no more than fifty conflicts are told, and the first of them do not depend on who came first', () => {
  const properties = (field: string) =>
    Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`p${i}`, field]));
  const parts = [accountWith('a', properties('small')), accountWith('b', properties('text'))];
  expect(conflictsOf(...parts)).toHaveLength(50);
  expect(conflictsOf(...parts.toReversed())).toEqual(conflictsOf(...parts));
});
