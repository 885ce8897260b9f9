import type { Fold } from '../graph-store/index.ts';
import type { BlockPlan, EdgePlan, MappingPlan, NodePlan, PropertyPlan } from './mapping-plan.ts';
import type { ValueKind, ValuePlan } from './value-plan.ts';

/** How exact a declared value is; several of them may still be one kind for a reader. */
export type DeclaredKind =
  | 'text'
  | 'integer of 32 bits'
  | 'integer of 64 bits'
  | 'number'
  | 'boolean'
  | 'timestamp'
  | 'date'
  | 'time of day'
  | 'decimal'
  | 'bytes';

/** One thing that one subject says about the graph. `written` is the path or expression it comes from. */
export type Declaration = { readonly subject: string } & (
  | { readonly of: 'id'; readonly type: string; readonly kind: DeclaredKind; readonly written: string }
  | {
      readonly of: 'property';
      readonly owner: 'node' | 'edge';
      readonly type: string;
      readonly name: string;
      readonly kind: DeclaredKind;
      readonly written: string;
      /** True for a set of values. */
      readonly many: boolean;
      /** Null when the mapping does not say. */
      readonly fold: Fold | null;
    }
  | { readonly of: 'ends'; readonly type: string; readonly from: string; readonly to: string }
  | { readonly of: 'key'; readonly type: string; readonly keyed: boolean }
  | {
      readonly of: 'ttl';
      readonly owner: 'node' | 'edge';
      readonly type: string;
      /** Milliseconds. */
      readonly ttlMs: number;
    }
  | { readonly of: 'domain'; readonly domain: string }
  | { readonly of: 'action'; readonly domain: string; readonly action: string }
);

/**
 * What mappings declare about the graph, by content. Merging is the union of sets, so that neither order nor grouping nor
 * repetition can change what comes out; what it amounts to, and whether it can be true at once, is only told from the whole.
 */
export type GraphDeclarations = ReadonlyMap<string, Declaration>;

const writtenCharactersMax = 120;

/** What one compiled mapping says. */
export function declarationsOf(plan: MappingPlan): GraphDeclarations {
  const { subject, domain, body, step } = plan;
  const blocks = blocksOf(body);
  const types = new Map(blocks.flatMap(({ nodes }) => nodes.map(({ slot, type }) => [slot, type] as const)));
  const found: Declaration[] = [{ of: 'domain', subject, domain }];
  if (step !== null) found.push({ of: 'action', subject, domain, action: step.action });
  for (const { nodes, edges } of blocks) {
    found.push(...nodes.flatMap((node) => nodeDeclarations(subject, node)));
    found.push(...edges.flatMap((edge) => edgeDeclarations(subject, edge, types)));
  }
  return new Map(found.map((declaration) => [keyOf(declaration), declaration]));
}

export function mergeDeclarations(parts: Iterable<GraphDeclarations>): GraphDeclarations {
  const merged = new Map<string, Declaration>();
  for (const part of parts) for (const [key, declaration] of part) merged.set(key, declaration);
  return merged;
}

function blocksOf(block: BlockPlan): readonly BlockPlan[] {
  return [block, ...block.loops.flatMap(({ body }) => blocksOf(body))];
}

function nodeDeclarations(subject: string, { type, id, ttlMs, properties }: NodePlan): Declaration[] {
  return [
    ...ttlDeclarations('node', subject, type, ttlMs),
    { of: 'id', subject, type, kind: kindOf(id), written: written(id) },
    ...properties.map((property) => propertyDeclaration('node', subject, type, property)),
  ];
}

function edgeDeclarations(
  subject: string,
  edge: EdgePlan,
  types: ReadonlyMap<number, string>,
): Declaration[] {
  const { type, key, ttlMs, properties } = edge;
  const from = types.get(edge.from);
  const to = types.get(edge.to);
  return [
    ...(from === undefined || to === undefined ? [] : [{ of: 'ends', subject, type, from, to } as const]),
    { of: 'key', subject, type, keyed: key !== null },
    ...ttlDeclarations('edge', subject, type, ttlMs),
    ...properties.map((property) => propertyDeclaration('edge', subject, type, property)),
  ];
}

function propertyDeclaration(
  owner: 'node' | 'edge',
  subject: string,
  type: string,
  { name, value, set, fold }: PropertyPlan,
): Declaration {
  const says = { kind: kindOf(value), written: written(value), many: set !== null, fold };
  return { of: 'property', owner, subject, type, name, ...says };
}

function ttlDeclarations(
  owner: 'node' | 'edge',
  subject: string,
  type: string,
  ttlMs: number | null,
): Declaration[] {
  return ttlMs === null ? [] : [{ of: 'ttl', owner, subject, type, ttlMs }];
}

const kinds: Readonly<Record<ValueKind, DeclaredKind>> = {
  boolean: 'boolean',
  int: 'integer of 32 bits',
  long: 'integer of 64 bits',
  double: 'number',
  string: 'text',
  enum: 'text',
  uuid: 'text',
  bytes: 'bytes',
  decimal: 'decimal',
  date: 'date',
  'time-millis': 'time of day',
  'time-micros': 'time of day',
  'timestamp-millis': 'timestamp',
  'timestamp-micros': 'timestamp',
};

/** A whole number that stands in the mapping itself goes with integers as well as with numbers. */
function kindOf({ source, kind }: ValuePlan): DeclaredKind {
  const isWhole =
    source.from === 'constant' && typeof source.value === 'number' && (source.value | 0) === source.value;
  return isWhole ? 'integer of 32 bits' : kinds[kind];
}

function written({ text }: ValuePlan): string {
  return text.length <= writtenCharactersMax ? text : `${text.slice(0, writtenCharactersMax)}…`;
}

function keyOf(declaration: Declaration): string {
  const entries = Object.entries(declaration).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}
