/** A question by a caller of one tenant that leads to a node of another. */
export interface Trespass {
  readonly name: string;
  /** `$other` is that node's id, `$edge` and `$step` are cursors that the other tenant was given. */
  readonly query: string;
}

const other = '{type: "Account", id: $other}';
const ours = '{type: "Account", id: "acc-ours"}';
const title = '{type: "Title", id: "ti"}';
const steps =
  '{ edges { cursor node { owner { id } action properties links { edge node { id } } } } pageInfo { hasNextPage endCursor } completeness { complete scanned } }';
const page =
  '{ edges { cursor properties nodeRef { id } node { id properties } } pageInfo { hasNextPage endCursor } completeness { complete scanned } }';
const edge = '{ from { id } to { id } properties }';
const whole = 'completeness { complete edgesScanned truncatedAt { kind node { id } } }';
const hops = `{ hops { nodes { id via ${edge} node { id properties } } } ${whole} }`;
const both =
  '[{edge: "WATCHED", direction: BOTH}, {edge: "USED", direction: BOTH}, {edge: "KNOWS", direction: BOTH}]';
const paths = `{ paths { edges ${edge} } ${whole} }`;

function trespass(name: string, query: string): Trespass {
  const declared = ['other: ID!', 'edge: String', 'step: String']
    .filter((one) => query.includes(`$${one.split(':')[0]}`))
    .map((one) => `$${one}`);
  return { name, query: `query${declared.length === 0 ? '' : `(${declared.join(', ')})`} { ${query} }` };
}

/** None may tell more than where the node had never been written. */
export const trespasses: readonly Trespass[] = [
  trespass('its properties', `account(id: $other) { id plan properties lineage { offset } }`),
  trespass('its connections', `account(id: $other) { watched ${page} knowsFrom ${page} }`),
  trespass('a connection of a node that both may see', `title(id: "ti") { watchedFrom ${page} }`),
  trespass('a connection of its own node', `account(id: "acc-ours") { knows ${page} knowsFrom ${page} }`),
  trespass(
    'a connection whose condition is about it',
    `title(id: "ti") { watchedFrom(where: {node: {plan: {prefix: "plan-"}}}) ${page} }`,
  ),
  trespass('its journey', `journey(of: ${other}) ${steps}`),
  trespass("the links of a step of one's own", `journey(of: ${ours}, edgeTypes: ["KNOWS"]) ${steps}`),
  trespass(
    'an edge from it',
    `edge(type: "KNOWS", from: ${other}, to: ${ours}) { count firstSeen properties }`,
  ),
  trespass('a traversal from it', `traverse(from: [${other}], hops: [{edge: "WATCHED"}]) ${hops}`),
  trespass(
    'a traversal to it',
    `traverse(from: [${title}], hops: [{edge: "WATCHED", direction: IN}]) ${hops}`,
  ),
  trespass(
    'a traversal through it',
    `traverse(from: [${ours}], hops: [{edge: "KNOWS", direction: BOTH}, {edge: "USED"}], unique: HOP) ${hops}`,
  ),
  trespass(
    'a traversal with a condition on it',
    `traverse(from: [${title}], hops: [{edge: "WATCHED", direction: IN, nodeWhere: {property: "plan", prefix: "plan-the"}}]) ${hops}`,
  ),
  trespass('paths to it', `paths(from: ${ours}, to: ${other}, over: ${both}) ${paths}`),
  trespass(
    'paths through it',
    `paths(from: ${ours}, to: {type: "Device", id: "dev-theirs"}, over: ${both}) ${paths}`,
  ),
  trespass(
    'cycles through it',
    `cycles(through: ${other}, over: ${both}) { cycles { edges ${edge} } ${whole} }`,
  ),
  trespass(
    'cycles that lead over it',
    `cycles(through: ${ours}, over: ${both}) { cycles { edges ${edge} } ${whole} }`,
  ),
  trespass(
    "those who share one's neighbours",
    `sharedNeighbours(of: ${ours}, over: {edge: "WATCHED"}) { nodes { id shared node { properties } } ${whole} }`,
  ),
  trespass(
    'those who share its neighbours',
    `sharedNeighbours(of: ${other}, over: {edge: "WATCHED"}) { nodes { id shared through { id } } ${whole} }`,
  ),
  trespass(
    'what a router asks for',
    '_entities(representations: [{__typename: "Account", id: "acc-ours"}, {__typename: "Account", id: $other}]) { ... on Account { id plan } }',
  ),
  trespass(
    'the cursor of an edge to it',
    `title(id: "ti") { watchedFrom(after: $edge) ${page} } account(id: $other) { watched(after: $edge) ${page} }`,
  ),
  trespass('the cursor of a step of it', `journey(of: ${other}, after: $step) ${steps}`),
];
