/** Stands for every type, domain or operation's field: in a map the entry `"*"`, in place of a list of fields the word `all`. */
export const everyName = '*';

export type Fields = 'all' | ReadonlySet<string>;

/** Which nodes of a type: one whose property or id equals a claim, or one that hangs on a node that may be seen by such a rule. */
export type RowRule =
  | { readonly kind: 'property'; readonly property: string; readonly claim: string }
  | { readonly kind: 'id'; readonly claim: string }
  | {
      readonly kind: 'over';
      readonly edge: string;
      /** Seen from the node that the rule is about. */
      readonly direction: 'out' | 'in';
      /** Type of the node at the other end. */
      readonly node: string;
    };

export interface NodeRights {
  /** Any of them is enough. */
  readonly rows: 'all' | readonly RowRule[];
  readonly fields: Fields;
  readonly lineage: boolean;
}

/** Of an edge between two nodes that may be seen, or of a step of one. */
export interface PartRights {
  readonly fields: Fields;
  readonly lineage: boolean;
}

export interface ScopeRights {
  readonly operations: ReadonlySet<string>;
  readonly costBudget: number | null;
  /** By node type. */
  readonly nodes: ReadonlyMap<string, NodeRights>;
  /** By edge type. */
  readonly edges: ReadonlyMap<string, PartRights>;
  /** By domain. */
  readonly steps: ReadonlyMap<string, PartRights>;
}

/** Who may read what. Whatever no scope of a caller names is not there for them. */
export interface Policy {
  readonly scopes: ReadonlyMap<string, ScopeRights>;
  /** Names of all claims that rules compare with. */
  readonly claims: ReadonlySet<string>;
}
