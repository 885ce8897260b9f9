import { bodyParts, hopEdges, type Question, type Questions } from './questions.ts';

type Asked = Pick<Question, 'query' | 'variables'>;

const connection: Asked = {
  query:
    'query($id: ID!) { account(id: $id) { watched(first: 20) { edges { time nodeRef { id } node { id } } completeness { complete } } } }',
  variables: (id) => ({ id }),
};
const sharedNeighbours: Asked = {
  query: `query($id: ID!) { sharedNeighbours(of: {type: "Account", id: $id}, over: {edge: "WATCHED", limit: ${hopEdges}}) {
    nodes { id shared } completeness { complete } } }`,
  variables: (id) => ({ id }),
};
const estimate: Asked = {
  query: `query($id: ID!, $where: AudienceWhere!) {
    node(type: "Account", id: $id) { id } audienceEstimate(memberType: "Account", where: $where) { count low high } }`,
  variables: (id) => ({
    id,
    where: { did: { edge: 'WATCHED', to: { nodes: [{ type: 'Title', id: 'ti-1' }] } } },
  }),
};
const entities: Asked = {
  query: 'query($of: [_Any!]!) { _entities(representations: $of) { ... on Account { id } } }',
  variables: (id) => ({ of: [{ __typename: 'Account', id }] }),
};

/** What honest clients ask, one kind after the other; a server has to be a subgraph for the last of them. */
export function legitimateBodies({
  journey,
  hop3,
}: Questions): readonly [readonly [string, string], ...(readonly [string, string])[]] {
  return [
    bodyParts(journey),
    ...[connection, hop3, sharedNeighbours, estimate, entities].map((one) => bodyParts(one)),
  ];
}
