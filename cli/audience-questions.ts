const shown =
  'id name key state failure scanned size memberType definition askedBy frozenAt tookMs bytes cutShort';

/** What `jg audience` asks. */
export const audienceQuestions = {
  estimate: `query Estimate($memberType: String!, $where: AudienceWhere!) {
  audienceEstimate(memberType: $memberType, where: $where) { count low high method sampled cutShort } }`,
  freeze: `mutation Freeze($memberType: String!, $where: AudienceWhere!, $name: String!, $key: String!, $waitMs: Int!) {
  freezeAudience(memberType: $memberType, where: $where, name: $name, key: $key, waitMs: $waitMs) { ${shown} } }`,
  list: 'query Audiences($first: Int!, $after: ID) { audiences(first: $first, after: $after) { id name state size memberType frozenAt bytes } }',
  show: `query Audience($id: ID!) { audience(id: $id) { ${shown}
    sources { topic partition next } sourcesAfter { topic partition next } } }`,
  explain: `query Explain($id: ID!, $member: ID!) { audience(id: $id) { name memberType frozenAt
  explain(id: $member) { wasMember holdsNow difference conditions { path condition holdsNow found } } } }`,
  delete: 'mutation Delete($id: ID!) { deleteAudience(id: $id) }',
} as const;
