/**
 * What a part of the schema reads, said in `extensions: { reads }` of a field or an object type, so that a policy can refuse a query by its text alone, before
 * anything is read. What says nothing is still kept from the caller when it is read.
 */
export interface Reads {
  /** Of a root field: what a policy calls it where it is not its own name; null where everybody may ask it. */
  readonly operation?: string | null;
  /** Of an object type, or of a field that gives one node: the node type. */
  readonly nodeType?: string;
  /** Of a field: the property, of the node type that its parent says. */
  readonly property?: string;
  /** Of a field that follows edges: their type. */
  readonly edgeType?: string;
}
