import { graphqlFieldName } from '../schemas/index.ts';
import { compare, graphqlName } from './typed-names.ts';
import type {
  FieldClaim,
  TakenNames,
  TypedField,
  TypedLimits,
  TypedNode,
  TypedWarning,
} from './typed-plan.ts';

interface Owner {
  /** In the graph: a property, or an edge such as `<-[WATCHED]-`. */
  readonly of: string;
}

/** The fields of the placed node types, in the order in which they are claimed: who comes first has the name. */
export class FieldPlaces {
  readonly #taken: TakenNames;
  readonly #limits: TypedLimits;
  readonly #warnings: TypedWarning[];
  /** By node type, then by name. */
  readonly #owners: ReadonlyMap<string, Map<string, Owner>>;
  readonly #fields: ReadonlyMap<string, TypedField[]>;
  readonly #names = new Map<string, string>();
  #left: number;
  #beyond = 0;

  constructor(
    nodes: ReadonlyMap<string, TypedNode>,
    taken: TakenNames,
    limits: TypedLimits,
    warnings: TypedWarning[],
  ) {
    this.#taken = taken;
    this.#limits = limits;
    this.#warnings = warnings;
    this.#owners = new Map([...nodes.keys()].map((nodeType) => [nodeType, new Map()]));
    this.#fields = new Map([...nodes.keys()].map((nodeType) => [nodeType, []]));
    this.#left = limits.fieldsMax;
  }

  place({ nodeType, property, kind, many, turn }: FieldClaim): void {
    const fields = this.#fields.get(nodeType);
    if (fields === undefined) return;
    const name = this.#names.get(property) ?? graphqlFieldName(property);
    this.#names.set(property, name);
    const obstacle = this.obstacle(nodeType, name);
    if (obstacle !== null) {
      const sentence = `is no field of its own in GraphQL: ${obstacle}; read it in \`properties\`, or give the property another name`;
      if (turn !== 2) this.#warnings.push({ path: `${nodeType}.${property}`, sentence });
    } else if (!this.takeFields(1)) this.#beyond += turn === 2 ? 0 : 1;
    else {
      this.own(nodeType, name, property);
      fields.push({ name, property, kind, many, declared: turn !== 2 });
    }
  }

  /** Why the node type can have no field of that name; null when it can. */
  obstacle(nodeType: string, name: string): string | null {
    if (!graphqlName.test(name)) return `\`${name}\` is no name there`;
    if (name.startsWith('__')) return `\`${name}\` is a name that GraphQL keeps for itself`;
    if (this.#taken.fields.has(name)) return `every node has a field \`${name}\``;
    const owner = this.#owners.get(nodeType)?.get(name);
    return owner === undefined ? null : `\`${name}\` is \`${owner.of}\` already`;
  }

  own(nodeType: string, name: string, of: string): void {
    this.#owners.get(nodeType)?.set(name, { of });
  }

  /** False, and none is taken, when so many are not left. */
  takeFields(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  finish(): void {
    if (this.#beyond === 0) return;
    const sentence = `has ${this.#beyond} properties that are no fields in GraphQL, which takes at most ${this.#limits.fieldsMax}: read those in \`properties\``;
    this.#warnings.push({ path: 'graph', sentence });
  }

  of(nodeType: string): readonly TypedField[] {
    return [...(this.#fields.get(nodeType) ?? [])].sort((a, b) => compare(a.name, b.name));
  }
}
