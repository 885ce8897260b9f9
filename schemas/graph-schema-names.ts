/** Names of types that GraphQL or the API itself has; a test of the API keeps the list complete. */
export const reservedTypeNames: ReadonlySet<string> = new Set([
  ...['Query', 'Mutation', 'Subscription'],
  ...['String', 'Int', 'Float', 'Boolean', 'ID', 'JSON', 'BigInt', 'DateTime'],
  ...['Node', 'NodeRef', 'NodeRefInput', 'PageInfo'],
  ...['JourneyConnection', 'JourneyEdge', 'JourneyOrder', 'Step', 'StepLink', 'LinkDirection'],
  ...[
    'Completeness',
    'LimitKind',
    'Freshness',
    'Status',
    'TopicStatus',
    'BackfillStatus',
    'TopicStateKind',
    'LookupTableStatus',
    'RetriedLetters',
    'NodeWrites',
  ],
  ...['GraphSchema', 'GraphNodeType', 'GraphEdgeType', 'GraphEdgeEnds', 'GraphProperty'],
  ...['GraphNode', 'GraphSchemaWarning'],
  ...['GraphDomain', 'GraphAction', 'GraphMapping', 'GraphMappingAlarm', 'GraphMappingProblem'],
  ...['OtherNode', 'EdgeOrder', 'TextCondition', 'ExactCondition', 'IntegerCondition'],
  ...['NumberCondition', 'BooleanCondition', 'TimeCondition'],
  ...['JourneySession', 'JourneyTransition', 'JourneyTransitionSubject', 'JourneyRepeats', 'Duration'],
  ...['JourneyStepEvent', 'JourneyStepsRecovery'],
  ...['PropertyKind', 'PropertyFold', 'IdKind', 'Edge', 'Lineage'],
  ...['OtherNode', 'Value', 'WhereInput', 'HopInput', 'HopLimits', 'LimitOrigin'],
  ...[
    'Traversal',
    'TraversalHop',
    'ReachedNode',
    'WalkedEdge',
    'WalkInput',
    'WalkDirection',
    'TraversalUnique',
  ],
  ...[
    'TraversalCompleteness',
    'TraversalTruncation',
    'TraversalLimitKind',
    'WalkedPath',
    'PathsAnswer',
    'CyclesAnswer',
  ],
  ...['SharedNeighboursAnswer', 'SharingNode'],
  ...['LiveEvent', 'LiveEventRemoval', 'LiveStage', 'LiveStageKind', 'LiveCurrentStage', 'LiveBroadcast'],
  ...['LiveJournalEntry', 'LivePrefetch', 'LivePrefetchStage', 'LiveQuietWindow', 'LiveDeviceKind'],
  ...[
    'LiveConnection',
    'LiveMaterialization',
    'LiveMaterializationState',
    'LiveSegment',
    'LiveMaterializationBytes',
  ],
  ...[
    'LiveMaterializationProgress',
    'LiveMaterializationFailure',
    'LiveFollowing',
    'LivePrefetchCoverage',
    'LiveSegmentPrefetch',
  ],
  ...['LiveRefreshPoint', 'LiveCoverage', 'LiveReachTimes', 'LiveMissing', 'LiveMissingReason'],
  ...[
    'LiveMissingMember',
    'LivePreflight',
    'LivePreflightCheck',
    'LivePreflightVerdict',
    'LivePreflightPrediction',
  ],
  ...['LiveStageInput', 'LiveScheduledKind', 'LiveStageMove'],
  ...['Audience', 'AudienceState', 'AudienceSource', 'AudienceMembers', 'AudienceWhere'],
  ...['AudienceDid', 'AudienceDirection', 'AudienceTarget', 'AudienceReached', 'AudienceEstimate'],
  ...['AudienceEstimateMethod', 'AudienceExplanation', 'AudienceDifference', 'AudienceCondition'],
]);

/** `live_show` and `LiveShow` to `LiveShow`: what a node or edge type is called among GraphQL's types. */
export function graphqlTypeName(name: string): string {
  const [first = '', ...rest] = words(name);
  return asName([capital(first), ...rest.map(capital)].join(''), name);
}

/** `watch_time`, `watchTime` and `WATCH_TIME` to `watchTime`: what a property is called among GraphQL's fields. */
export function graphqlFieldName(name: string): string {
  const [first = '', ...rest] = words(name);
  return asName([small(first), ...rest.map(capital)].join(''), name);
}

/** A word that shouts is put into small letters; capitals inside a word begin the next one and stay. */
function words(name: string): readonly string[] {
  return name
    .split('_')
    .filter((word) => word !== '')
    .map((word) => (/[a-z]/.test(word) ? word : word.toLowerCase()));
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function small(word: string): string {
  return word.slice(0, 1).toLowerCase() + word.slice(1);
}

/** A name of underscores only stays, and no name begins with a digit. */
function asName(renamed: string, given: string): string {
  if (renamed === '') return given;
  return /^[0-9]/.test(renamed) ? `_${renamed}` : renamed;
}
