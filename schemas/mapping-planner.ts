import avsc, { type Type } from 'avsc';
import { didYouMean } from '../foundation/index.ts';
import type { AvroSchema } from './avro-type.ts';
import { isCelWord } from './cel-types.ts';
import type { LogicalTypes } from './logical-type.ts';
import { type TableSchemas, tableSubjectOf } from './lookup-tables.ts';
import type { MappingReader } from './mapping.ts';
import type {
  BlockDeclaration,
  EdgeDeclaration,
  JourneyDeclaration,
  LookupDeclaration,
  LoopDeclaration,
  Mapping,
  NodeDeclaration,
} from './mapping-declaration.ts';
import type {
  BlockPlan,
  EdgePlan,
  LookupPlan,
  LoopPlan,
  MappingPlan,
  NodePlan,
  StepPlan,
} from './mapping-plan.ts';
import type { NormalizerSignatures } from './normalizer-signature.ts';
import { describeType } from './path-resolver.ts';
import type { Scope } from './value-plan.ts';
import { ValuePlanner } from './value-planner.ts';

/** A declared node that edges may name, from this block or one around it. */
interface Named {
  readonly slot: number;
  readonly declared: NodeDeclaration;
  /** How many loops it stands in. */
  readonly depth: number;
}

type Names = ReadonlyMap<string, Named>;

const declarationsMax = 1_000;
/** Each has its own words for expressions: of a schema with thousands of fields, megabytes. */
const loopsMax = 64;

/** Resolves a mapping against its schema. What is wrong is reported, all of it at once. */
export class MappingPlanner {
  readonly #reader: MappingReader;
  readonly #schema: AvroSchema;
  readonly #tables: TableSchemas;
  readonly #values: ValuePlanner;
  /** The loops that declare nodes, by the nodes' names. */
  readonly #loopOf = new Map<string, string>();
  #slots = 0;
  #declarations = 0;
  #loops = 0;

  constructor(
    reader: MappingReader,
    schema: AvroSchema,
    normalizers: NormalizerSignatures,
    tables: TableSchemas,
  ) {
    this.#reader = reader;
    this.#schema = schema;
    this.#tables = tables;
    this.#values = new ValuePlanner(reader, together([schema, ...tables.values()]), normalizers);
  }

  /** Null when any path or name could not be resolved; all such problems have been reported. */
  plan(subject: string, version: number, mapping: Mapping): MappingPlan | null {
    const event: Scope = [{ name: null, type: this.#schema.type, isEntry: false }];
    let scope = event;
    const lookups: LookupPlan[] = [];
    for (const declared of mapping.lookups) {
      const lookup = this.#lookup(declared, scope);
      // Without its rows whatever names them would be reported as well, and none of that is to be mended.
      if (lookup === null) return null;
      lookups.push(lookup);
      scope = [...scope, { name: lookup.as, type: lookup.schema.type, isEntry: false, isRow: true }];
    }
    const time = mapping.time === '' ? null : this.#values.time(mapping.time, scope);
    const eventId = mapping.eventId === null ? null : this.#values.eventId(mapping.eventId, scope);
    const rank = typeof mapping.rank === 'number' ? mapping.rank : this.#values.rank(mapping.rank, scope);
    const names = this.#names(mapping.body.nodes, new Map(), 0);
    this.#noteLoopNodes(mapping.body.loops);
    const step = mapping.journey === null ? null : this.#step(mapping.journey, names, scope);
    const body = this.#block(mapping.body, names, scope, step);
    if (this.#slots === 0 && !this.#reader.isNodeUnread)
      this.#reader.report('graph.nodes', 'must declare at least one node');
    if (time === null || rank === null || this.#reader.problems.length > 0) return null;
    const { domain } = mapping;
    const whereBeforeLookups =
      lookups.length === 0 ? null : this.#values.conditionWithin(mapping.body.where, event);
    return {
      subject,
      version,
      domain,
      rank,
      time,
      eventId,
      slots: this.#slots,
      body,
      step,
      lookups,
      whereBeforeLookups,
    };
  }

  #lookup(declared: LookupDeclaration, scope: Scope): LookupPlan | null {
    const { as, topic, missing, at } = declared;
    this.#freshName(declared, scope);
    const key = this.#values.key(declared.key, scope);
    if (topic === '' || as === '') return null;
    const schema = this.#tables.get(topic);
    if (schema === undefined) {
      const subject = tableSubjectOf(topic);
      const remedy = `register the schema of its rows as \`${subject}\`, or give it with \`--table ${topic}=rows.avsc\``;
      this.#reader.report(`${at}.topic`, `names a table whose rows are not known: ${remedy}`);
      return null;
    }
    if (!(schema.type instanceof avsc.types.RecordType)) {
      const sentence = `names a table whose rows are ${describeType(schema.type)}: a row must be a record`;
      this.#reader.report(`${at}.topic`, sentence);
      return null;
    }
    return key === null ? null : { as, topic, schema, key, missing };
  }

  #block(block: BlockDeclaration, names: Names, scope: Scope, step: StepPlan | null): BlockPlan {
    const where = this.#values.condition(block.where, scope);
    const edges = block.edges.map((edge) => this.#edge(edge, names, scope)).filter((edge) => edge !== null);
    const nodes = block.nodes.map((node) => this.#node(node, names, scope)).filter((node) => node !== null);
    const loops = block.loops.map((loop) => this.#loop(loop, names, scope)).filter((loop) => loop !== null);
    return {
      where,
      edges,
      loops,
      nodes: nodes.map((node) => ({
        ...node,
        implied: isImplied(node, names, edges, step, scope.length - 1),
      })),
    };
  }

  #loop(loop: LoopDeclaration, around: Names, scope: Scope): LoopPlan | null {
    this.#count(loop.at);
    this.#loops += 1;
    if (this.#loops === loopsMax + 1)
      this.#reader.report(loop.at, `is one loop more than the ${loopsMax} that a mapping may have`);
    if (this.#loops > loopsMax) return null;
    const names = this.#names(loop.body.nodes, around, scope.length);
    if (loop.in === '' || loop.as === '') return null;
    const place = this.#values.paths.place(loop.in, scope);
    if (!place.ok) {
      this.#reader.report(`${loop.at}.in`, place.sentence);
      return null;
    }
    this.#freshName(loop, scope);
    const { type, ...path } = place.value;
    const items = itemsOf(type);
    if (items === null) {
      const sentence = `\`${loop.in}\` leads to ${describeType(type)}: a loop goes through an array or a map`;
      this.#reader.report(`${loop.at}.in`, sentence);
      return null;
    }
    const isEntry = type instanceof avsc.types.MapType;
    const inner: Scope = [...scope, { name: loop.as, type: items, isEntry }];
    const body = this.#block(loop.body, names, inner, null);
    return { in: path, over: isEntry ? 'entries' : 'items', body };
  }

  #freshName({ as, at }: LoopDeclaration | LookupDeclaration, scope: Scope): void {
    const { type } = this.#schema;
    const isField = type instanceof avsc.types.RecordType && type.fields.some(({ name }) => name === as);
    if (as === 'event' || isField || scope.some(({ name }) => name === as)) {
      this.#reader.report(`${at}.as`, `is \`${as}\`, which means something else already: take another name`);
    } else if (isCelWord(as)) {
      this.#reader.report(`${at}.as`, `is \`${as}\`, a word of expressions: take another name`);
    }
  }

  /** Gives every node of a block its slot, so that edges can name nodes whatever is wrong with them. */
  #names(nodes: readonly NodeDeclaration[], around: Names, depth: number): Names {
    const names = new Map(around);
    const own = new Set<string>();
    for (const declared of nodes) {
      this.#count(declared.at);
      if (own.has(declared.as) || around.has(declared.as)) {
        this.#reader.report(
          declared.at,
          `has the name \`${declared.as}\` of another node: give it an \`as\``,
        );
        continue;
      }
      own.add(declared.as);
      names.set(declared.as, { slot: this.#slots, declared, depth });
      this.#slots += 1;
    }
    return names;
  }

  #count(at: string): void {
    this.#declarations += 1;
    if (this.#declarations === declarationsMax + 1) {
      this.#reader.report(at, `is one declaration more than the ${declarationsMax} that a mapping may have`);
    }
  }

  #node(declared: NodeDeclaration, names: Names, scope: Scope): Omit<NodePlan, 'implied'> | null {
    const id = this.#values.id(declared.id, scope);
    const where = this.#values.condition(declared.where, scope);
    const properties = this.#values.properties(declared.properties, scope);
    const slot = names.get(declared.as)?.slot;
    if (id === null || slot === undefined) return null;
    const { type, optional, op, ttlMs } = declared;
    return { slot, type, id, optional, op, ttlMs, where, properties };
  }

  #edge(edge: EdgeDeclaration, names: Names, scope: Scope): EdgePlan | null {
    this.#count(edge.at);
    const from = this.#end(edge.from, `${edge.at}.from`, names);
    const to = this.#end(edge.to, `${edge.at}.to`, names);
    const where = this.#values.condition(edge.where, scope);
    const properties = this.#values.properties(edge.properties, scope);
    const key = edge.key === null ? null : this.#values.edgeKey(edge.key, scope);
    if (from === null || to === null) return null;
    const deleted = from.declared.op === 'delete' || to.declared.op === 'delete';
    if (edge.op === 'upsert' && deleted) {
      this.#reader.report(edge.at, 'touches a node that the same mapping deletes, so it would never be seen');
    }
    const { type, op, ttlMs } = edge;
    return { type, from: from.slot, to: to.slot, key, op, ttlMs, where, properties };
  }

  #step(journey: JourneyDeclaration, names: Names, scope: Scope): StepPlan | null {
    const owner = this.#end(journey.owner, 'graph.journey.owner', names);
    const where = this.#values.condition(journey.where, scope);
    const properties = this.#values.properties(journey.properties, scope);
    if (owner === null) return null;
    if (owner.declared.op === 'delete') {
      const sentence = 'is deleted by the same mapping, so its step would never be seen';
      this.#reader.report('graph.journey.owner', sentence);
    }
    return { owner: owner.slot, action: journey.action, where, properties };
  }

  #end(name: string, at: string, names: Names): Named | null {
    const named = names.get(name);
    if (named !== undefined) return named;
    // An empty name has been reported as missing; so has what is wrong with the nodes.
    if (name === '' || this.#reader.isNodeUnread) return null;
    const loop = this.#loopOf.get(name);
    this.#reader.report(
      at,
      loop === undefined
        ? `names no declared node: \`${name}\`${didYouMean(name.slice(0, 64), [...names.keys()])}`
        : `names \`${name}\`, which is seen only inside of the loop through \`${loop}\`: ${whereInstead(at)}`,
    );
    return null;
  }

  /** The reader has bounded how deep this goes. */
  #noteLoopNodes(loops: readonly LoopDeclaration[]): void {
    for (const { in: list, body } of loops) {
      for (const { as } of body.nodes) if (!this.#loopOf.has(as)) this.#loopOf.set(as, list);
      this.#noteLoopNodes(body.loops);
    }
  }
}

/** A journey has one owner, so it cannot stand in a loop as an edge can. */
function whereInstead(at: string): string {
  return at.startsWith('graph.journey') ? 'an owner is declared outside of loops' : 'put it there';
}

/** The types of several schemas as if they were one's. */
function together(schemas: readonly AvroSchema[]): LogicalTypes {
  const [only, ...others] = schemas;
  if (only !== undefined && others.length === 0) return only;
  return {
    logicalType: (type) => {
      for (const schema of schemas) {
        const logical = schema.logicalType(type);
        if (logical !== null) return logical;
      }
      return null;
    },
  };
}

function itemsOf(type: Type): Type | null {
  if (type instanceof avsc.types.ArrayType) return type.itemsType;
  return type instanceof avsc.types.MapType ? type.valuesType : null;
}

/**
 * An edge asserts its ends only when it is written whenever the event is: without a condition, of the node's own block, and
 * with another end that is never left out.
 */
function isImplied(
  node: Omit<NodePlan, 'implied'>,
  names: Names,
  edges: readonly EdgePlan[],
  step: StepPlan | null,
  depth: number,
): boolean {
  if (step !== null && step.where === null && step.owner === node.slot) return true;
  const bySlot = new Map([...names.values()].map((named) => [named.slot, named]));
  return edges.some((edge) => {
    if (edge.op === 'delete' || edge.where !== null) return false;
    if (edge.from !== node.slot && edge.to !== node.slot) return false;
    const other = bySlot.get(edge.from === node.slot ? edge.to : edge.from);
    if (other === undefined || other.slot === node.slot) return other !== undefined;
    const { optional, where } = other.declared;
    return other.depth <= depth && !optional && where === null;
  });
}
