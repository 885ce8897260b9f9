import avsc, { type Type } from 'avsc';
import { didYouMean, must, StopError } from '../foundation/index.ts';
import type { AvroSchema } from './avro-type.ts';
import {
  type EdgeDeclaration,
  type JourneyDeclaration,
  type Mapping,
  type MappingProblem,
  MappingReader,
  type NodeDeclaration,
  type Operation,
  type PropertyDeclaration,
} from './mapping.ts';

export type FieldKind =
  | 'boolean'
  | 'int'
  | 'long'
  | 'double'
  | 'string'
  | 'enum'
  | 'timestamp-millis'
  | 'timestamp-micros';

/** Where a value stands in a decoded event, and what it is. */
export interface FieldRead {
  readonly path: string;
  /** Field names from the event inwards; 1 or more. */
  readonly steps: readonly string[];
  readonly kind: FieldKind;
}

export interface PropertyRead {
  readonly name: string;
  readonly field: FieldRead;
}

export interface NodePlan {
  readonly type: string;
  readonly id: FieldRead;
  readonly optional: boolean;
  readonly op: Operation;
  readonly properties: readonly PropertyRead[];
  /** True when the mapping's step or an edge that is always there says already that the node exists. */
  readonly implied: boolean;
}

/** `from` and `to` are positions in the plan's nodes. */
export interface EdgePlan {
  readonly type: string;
  readonly from: number;
  readonly to: number;
  readonly op: Operation;
  readonly properties: readonly PropertyRead[];
}

export interface StepPlan {
  readonly owner: number;
  readonly action: string;
  readonly properties: readonly PropertyRead[];
}

/** A mapping with its paths resolved against its schema: all that the back half of the compiler needs. */
export interface MappingPlan {
  readonly subject: string;
  readonly version: number;
  readonly domain: string;
  readonly rank: number;
  /** `timestamp-millis` or `timestamp-micros`, or `long` for plain milliseconds. */
  readonly time: FieldRead;
  readonly eventId: FieldRead | null;
  readonly nodes: readonly NodePlan[];
  readonly edges: readonly EdgePlan[];
  readonly step: StepPlan | null;
}

export interface MappingCheck {
  /** All of them, up to fifty. */
  readonly problems: readonly MappingProblem[];
  /** Null when there are problems. */
  readonly plan: MappingPlan | null;
}

/** Checks the schema's `graph` attribute; the one compiler behind check, test, preview and run. */
export function checkMapping(subject: string, version: number, schema: AvroSchema): MappingCheck {
  const reader = new MappingReader();
  const mapping = reader.read(schema.graph);
  if (mapping === null) return { problems: reader.problems, plan: null };
  const plan = new Planner(reader, schema).plan(subject, version, mapping);
  return { problems: reader.problems, plan: reader.problems.length === 0 ? plan : null };
}

/** As {@link checkMapping}; throws `StopError` code `MAPPING_INVALID` that lists all problems. */
export function compileMapping(subject: string, version: number, schema: AvroSchema): MappingPlan {
  const { problems, plan } = checkMapping(subject, version, schema);
  if (plan !== null) return plan;
  const list = problems.map(({ path, sentence }) => `\n- \`${path}\` ${sentence}`).join('');
  throw new StopError(
    'MAPPING_INVALID',
    `The mapping of ${subject} version ${version} cannot be compiled; register a corrected version:${list}`,
    { context: problems[0] === undefined ? { subject } : { subject, path: problems[0].path } },
  );
}

class Planner {
  readonly #reader: MappingReader;
  readonly #schema: AvroSchema;

  constructor(reader: MappingReader, schema: AvroSchema) {
    this.#reader = reader;
    this.#schema = schema;
  }

  /** Null when any path or name could not be resolved; all such problems have been reported. */
  plan(subject: string, version: number, mapping: Mapping): MappingPlan | null {
    const time = this.#time(mapping.time);
    const eventId = mapping.eventId === null ? null : this.#idField(mapping.eventId, 'graph.eventId');
    const names = this.#names(mapping.nodes);
    const edges = mapping.edges.map((edge) => this.#edge(edge, names, mapping.nodes));
    const step = mapping.journey === null ? null : this.#step(mapping.journey, names, mapping.nodes);
    const nodes = mapping.nodes.map((node) => this.#node(node));
    if (time === null || this.#reader.problems.length > 0) return null;
    const present = edges.filter((edge) => edge !== null);
    const read = nodes.filter((node) => node !== null);
    return {
      subject,
      version,
      domain: mapping.domain,
      rank: mapping.rank,
      time,
      eventId,
      nodes: read.map((node, index) => ({ ...node, implied: isImplied(index, read, present, step) })),
      edges: present,
      step,
    };
  }

  #names(nodes: readonly NodeDeclaration[]): ReadonlyMap<string, number> {
    const names = new Map<string, number>();
    nodes.forEach((node, index) => {
      if (names.has(node.as))
        this.#reader.report(node.at, `has the name \`${node.as}\` of another node: give it an \`as\``);
      else names.set(node.as, index);
    });
    return names;
  }

  #node(node: NodeDeclaration): Omit<NodePlan, 'implied'> | null {
    const id = this.#idField(node.id, `${node.at}.id`);
    const properties = this.#properties(node.properties);
    return id === null ? null : { type: node.type, id, optional: node.optional, op: node.op, properties };
  }

  #edge(
    edge: EdgeDeclaration,
    names: ReadonlyMap<string, number>,
    nodes: readonly NodeDeclaration[],
  ): EdgePlan | null {
    const from = this.#end(edge.from, `${edge.at}.from`, names);
    const to = this.#end(edge.to, `${edge.at}.to`, names);
    const properties = this.#properties(edge.properties);
    if (from === null || to === null) return null;
    const deleted = nodes[from]?.op === 'delete' || nodes[to]?.op === 'delete';
    if (edge.op === 'upsert' && deleted) {
      this.#reader.report(edge.at, 'touches a node that the same mapping deletes, so it would never be seen');
    }
    return { type: edge.type, from, to, op: edge.op, properties };
  }

  #step(
    journey: JourneyDeclaration,
    names: ReadonlyMap<string, number>,
    nodes: readonly NodeDeclaration[],
  ): StepPlan | null {
    const owner = this.#end(journey.owner, 'graph.journey.owner', names);
    const properties = this.#properties(journey.properties);
    if (owner === null) return null;
    if (nodes[owner]?.op === 'delete') {
      this.#reader.report(
        'graph.journey.owner',
        'is deleted by the same mapping, so its step would never be seen',
      );
    }
    return { owner, action: journey.action, properties };
  }

  #end(name: string, at: string, names: ReadonlyMap<string, number>): number | null {
    const index = names.get(name);
    if (index !== undefined) return index;
    if (name !== '')
      this.#reader.report(at, `names no declared node: \`${name}\`${didYouMean(name, [...names.keys()])}`);
    return null;
  }

  #properties(properties: readonly PropertyDeclaration[]): readonly PropertyRead[] {
    return properties.flatMap(({ name, path, at }) => {
      const field = this.#field(path, at);
      return field === null ? [] : [{ name, field }];
    });
  }

  #time(path: string): FieldRead | null {
    const field = this.#field(path, 'graph.time');
    if (field === null) return null;
    if (field.kind === 'long' || field.kind.startsWith('timestamp')) return field;
    this.#reader.report('graph.time', `leads to a ${field.kind}: it must be a long, best a timestamp-millis`);
    return null;
  }

  #idField(path: string, at: string): FieldRead | null {
    const field = this.#field(path, at);
    if (field === null) return null;
    if (field.kind === 'boolean' || field.kind === 'double' || field.kind.startsWith('timestamp')) {
      this.#reader.report(at, `leads to a ${field.kind}: an id must be a string, uuid, enum, int or long`);
      return null;
    }
    return field;
  }

  #field(path: string, at: string): FieldRead | null {
    // An empty path has been reported as missing.
    if (path === '') return null;
    const steps = path.split('.');
    let type: Type = this.#schema.type;
    let walked = '';
    for (const step of steps) {
      if (!(type instanceof avsc.types.RecordType)) {
        this.#reader.report(
          at,
          `\`${path}\` goes on below ${walked === '' ? 'the event' : `\`${walked}\``}, ${below(type)}`,
        );
        return null;
      }
      const field = type.fields.find((candidate) => candidate.name === step);
      if (field === undefined) {
        const names = type.fields.map((candidate) => candidate.name);
        this.#reader.report(
          at,
          `\`${path}\`: there is no field \`${step}\`${didYouMean(step.slice(0, 64), names)}`,
        );
        return null;
      }
      walked = walked === '' ? step : `${walked}.${step}`;
      type = withoutNull(field.type);
    }
    const kind = this.#kind(type);
    if (kind !== null) return { path, steps, kind };
    this.#reader.report(at, `\`${path}\` leads to ${described(type)}, which cannot be a value yet`);
    return null;
  }

  #kind(type: Type): FieldKind | null {
    switch (type.typeName) {
      case 'boolean':
      case 'int':
      case 'string':
      case 'enum':
      case 'double':
        return type.typeName;
      case 'float':
        return 'double';
      case 'abstract:long': {
        const unit = this.#schema.timestampUnit(type);
        return unit === null ? 'long' : `timestamp-${unit}`;
      }
      default:
        return null;
    }
  }
}

/** The one branch beside null; any other union stays as it is. */
function withoutNull(type: Type): Type {
  const { UnwrappedUnionType } = avsc.types;
  if (!(type instanceof UnwrappedUnionType)) return type;
  const branches = type.types.filter((branch) => branch.typeName !== 'null');
  return branches.length === 1 ? must(branches[0], 'a union has branches') : type;
}

function described(type: Type): string {
  const { typeName } = type;
  if (typeName.startsWith('union')) return 'a union of several types';
  if (typeName === 'bytes') return typeName;
  return /^[aeiou]/.test(typeName) ? `an ${typeName}` : `a ${typeName}`;
}

function below(type: Type): string {
  return `which is ${described(type)}: a path leads through records and nullable records only`;
}

/** An edge asserts its ends only when it is written whenever the event is, so only when its other end is not optional. */
function isImplied(
  index: number,
  nodes: readonly Omit<NodePlan, 'implied'>[],
  edges: readonly EdgePlan[],
  step: StepPlan | null,
): boolean {
  if (step?.owner === index) return true;
  return edges.some((edge) => {
    if (edge.op === 'delete' || (edge.from !== index && edge.to !== index)) return false;
    const other = edge.from === index ? edge.to : edge.from;
    return other === index || nodes[other]?.optional === false;
  });
}
