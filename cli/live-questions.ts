const shown = `id title version epoch sequence audience createdAt stages { key kind startsAt } currentStage { key kind at }`;

/** What `jg live` asks. */
export const liveQuestions = {
  create: `mutation Create($id: ID!, $title: String!, $stages: [LiveStageInput!]!, $audience: ID, $plan: String, $reason: String, $dryRun: Boolean!) {
  answer: createLiveEvent(id: $id, title: $title, stages: $stages, audience: $audience, plan: $plan, reason: $reason, dryRun: $dryRun) { ${shown} } }`,
  reschedule: `mutation Reschedule($id: ID!, $moves: [LiveStageMove!]!, $following: Boolean!, $expectedVersion: Int, $reason: String, $dryRun: Boolean!) {
  answer: rescheduleLiveEvent(id: $id, moves: $moves, following: $following, expectedVersion: $expectedVersion, reason: $reason, dryRun: $dryRun) { ${shown} } }`,
  advance: `mutation Advance($id: ID!, $to: String, $from: String, $expectedVersion: Int, $reason: String, $dryRun: Boolean!) {
  answer: advanceLiveEvent(id: $id, to: $to, from: $from, expectedVersion: $expectedVersion, reason: $reason, dryRun: $dryRun) { ${shown} } }`,
  end: commandOf('endLiveEvent'),
  cancel: commandOf('cancelLiveEvent'),
  plan: commandOf('setLivePlan', 'plan', 'String'),
  audience: commandOf('setLiveAudience', 'audience', 'ID'),
  delete: `mutation Delete($id: ID!, $expectedVersion: Int, $reason: String, $dryRun: Boolean!) {
  answer: deleteLiveEvent(id: $id, expectedVersion: $expectedVersion, reason: $reason, dryRun: $dryRun) }`,
  removed:
    'query Removed($first: Int!) { answer: removedLiveEvents(first: $first) { id title stage time actor reason } }',
  list: `query Events($first: Int!) { answer: liveEvents(first: $first) { ${shown} } }`,
  show: `query Event($id: ID!, $last: Int!) { answer: liveEvent(id: $id) { ${shown}
  lastBroadcast { stage version sequence epoch at } journal(last: $last) { time sequence actor command reason stage version } } }`,
  stage: `query Stage($id: ID!) { answer: liveEvent(id: $id) { version epoch sequence currentStage { key kind at } } }`,
} as const;

function commandOf(field: string, argument?: string, type?: string): string {
  const declared = argument === undefined ? '' : `$${argument}: ${type}, `;
  const passed = argument === undefined ? '' : `${argument}: $${argument}, `;
  return `mutation Change($id: ID!, ${declared}$expectedVersion: Int, $reason: String, $dryRun: Boolean!) {
  answer: ${field}(id: $id, ${passed}expectedVersion: $expectedVersion, reason: $reason, dryRun: $dryRun) { ${shown} } }`;
}
