import type {
  EdgeView,
  GraphReader,
  NodeRef,
  OccurrenceView,
  Property,
  StepView,
  TimePosition,
} from '../graph-store/index.ts';
import type {
  ExpectedEdge,
  ExpectedJourney,
  ExpectedNode,
  ExpectedRegister,
  ExpectedStep,
  Oracle,
} from './main-job-oracle.ts';

const inFlight = 16;
const pageSteps = 500;
const scanMax = 1_000_000;
const differencesMax = 20;
/** All edges are compared by reading occurrences from both ends; so many are also asked for one by one, which is slow. */
const edgeSampleEvery = 50;

/** The first few places where the graph and the oracle differ, in words; empty when they are equal. */
export async function compareGraph(graph: GraphReader, oracle: Oracle): Promise<readonly string[]> {
  const differences: string[] = [];
  const note = (difference: string | null): void => {
    if (difference !== null && differences.length < differencesMax) differences.push(difference);
  };
  await forEachAtOnce(oracle.nodes, async (expected) => note(await compareNode(graph, expected)));
  await forEachAtOnce(bundlesOf(oracle.edges), async (expected) =>
    note(await compareBundle(graph, expected)),
  );
  const sample = oracle.edges.filter((_, index) => index % edgeSampleEvery === 0);
  await forEachAtOnce(sample, async (expected) => note(await compareEdge(graph, expected)));
  await forEachAtOnce(oracle.journeys, async (expected) => note(await compareJourney(graph, expected)));
  return differences;
}

async function forEachAtOnce<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of queue) await act(item);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

export const nameOf = ({ type, id }: NodeRef): string => `${type} ${id}`;

/** What is wrong with a node's properties, whose event times are not shown; null when they are as expected. */
export function compareRegisters(
  expected: ExpectedNode,
  properties: readonly Property[] | null,
): string | null {
  if (properties === null) return `${nameOf(expected)} is missing`;
  const names = properties.map(([name]) => name);
  const problem = sameNames(names, Object.keys(expected.properties));
  if (problem !== null) return `${nameOf(expected)}: ${problem}`;
  const wrong = properties.find(([name, value]) => !agrees(expected.properties[name], value));
  return wrong === undefined ? null : `${nameOf(expected)}.${wrong[0]} is ${String(wrong[1])}`;
}

async function compareNode(graph: GraphReader, expected: ExpectedNode): Promise<string | null> {
  const found = await graph.node(expected);
  if (found === null) return `${nameOf(expected)} is missing`;
  const names = found.properties.map(({ name }) => name);
  const problem = sameNames(names, Object.keys(expected.properties));
  if (problem !== null) return `${nameOf(expected)}: ${problem}`;
  for (const { name, value, timeMs } of found.properties) {
    const register = expected.properties[name];
    if (register === undefined || register.timeMs !== timeMs || !agrees(register, value)) {
      return `${nameOf(expected)}.${name} is ${String(value)} of ${timeMs}, expected ${JSON.stringify(register)}`;
    }
  }
  return null;
}

interface ExpectedBundle {
  /** The end at which the edges are read. */
  readonly at: NodeRef;
  readonly direction: 'out' | 'in';
  readonly type: string;
  /** By the name of the node at the other end. */
  readonly edges: Map<string, ExpectedEdge>;
}

/** Every edge twice, once from each end, bundled as the store reads them: all of a type at a node in one go. */
function bundlesOf(edges: readonly ExpectedEdge[]): readonly ExpectedBundle[] {
  const bundles = new Map<string, ExpectedBundle>();
  const put = (edge: ExpectedEdge, at: NodeRef, other: NodeRef, direction: 'out' | 'in'): void => {
    const key = `${direction} ${edge.type} ${nameOf(at)}`;
    const bundle = bundles.get(key) ?? {
      at,
      direction,
      type: edge.type,
      edges: new Map<string, ExpectedEdge>(),
    };
    bundle.edges.set(nameOf(other), edge);
    bundles.set(key, bundle);
  };
  for (const edge of edges) {
    put(edge, edge.from, edge.to, 'out');
    put(edge, edge.to, edge.from, 'in');
  }
  return [...bundles.values()];
}

async function compareBundle(graph: GraphReader, expected: ExpectedBundle): Promise<string | null> {
  const { at, direction, type } = expected;
  const page = await graph.adjacency({
    of: at,
    type,
    direction,
    sinceMs: 0,
    untilMs: Number.MAX_SAFE_INTEGER,
    limit: scanMax,
    scanMax,
  });
  const found = new Map<string, OccurrenceView[]>();
  for (const occurrence of page.occurrences) {
    const other = nameOf(direction === 'out' ? occurrence.to : occurrence.from);
    found.set(other, [...(found.get(other) ?? []), occurrence]);
  }
  const title = `${type} ${direction} at ${nameOf(at)}`;
  const unexpected = [...found.keys()].find((other) => !expected.edges.has(other));
  if (unexpected !== undefined) return `${title}: ${unexpected} is not expected`;
  for (const [other, edge] of expected.edges) {
    const problem = compareOccurrences(found.get(other) ?? [], edge);
    if (problem !== null) return `${title}, ${other}: ${problem}`;
  }
  return null;
}

/** Occurrences come newest first; the newest one's properties are the edge's. */
function compareOccurrences(found: readonly OccurrenceView[], expected: ExpectedEdge): string | null {
  const [newest, oldest] = [found[0], found.at(-1)];
  if (newest === undefined || oldest === undefined) return 'missing';
  return compareEdgeView(
    {
      firstSeenMs: oldest.timeMs,
      lastSeenMs: newest.timeMs,
      count: found.length,
      properties: newest.properties,
    },
    expected,
  );
}

function compareEdgeView(
  found: Pick<EdgeView, 'firstSeenMs' | 'lastSeenMs' | 'count' | 'properties'>,
  expected: ExpectedEdge,
): string | null {
  for (const field of ['firstSeenMs', 'lastSeenMs', 'count'] as const) {
    if (found[field] !== expected[field]) return `${field} is ${found[field]}, expected ${expected[field]}`;
  }
  const problem = sameNames(
    found.properties.map(([name]) => name),
    Object.keys(expected.properties),
  );
  if (problem !== null) return problem;
  const wrong = found.properties.find(([name, value]) => !agrees(expected.properties[name], value));
  if (wrong === undefined) return null;
  return `${wrong[0]} is ${String(wrong[1])}, expected ${JSON.stringify(expected.properties[wrong[0]])}`;
}

/** The store's own fold, which reads newest first until it meets the other end. */
async function compareEdge(graph: GraphReader, expected: ExpectedEdge): Promise<string | null> {
  const { type, from, to } = expected;
  const found = await graph.edge({ type, from, to, key: null, folds: new Map(), scanMax });
  const problem = found === null ? 'missing' : compareEdgeView(found, expected);
  return problem === null ? null : `${nameOf(from)} ${type} ${nameOf(to)}: ${problem}`;
}

function sameNames(found: readonly string[], expected: readonly string[]): string | null {
  const [a, b] = [[...found].sort().join(', '), [...expected].sort().join(', ')];
  return a === b ? null : `has the properties (${a}), expected (${b})`;
}

function agrees(register: ExpectedRegister | undefined, value: unknown): boolean {
  return register?.anyOf.some((allowed) => allowed === value) === true;
}

async function compareJourney(graph: GraphReader, expected: ExpectedJourney): Promise<string | null> {
  return compareSteps(expected, await readJourney(graph, expected));
}

/** A step as far as the oracle knows it, whoever shows it. */
export type ShownStep = Pick<StepView, 'timeMs' | 'domain' | 'action' | 'links' | 'properties'>;

/** What is wrong with a whole journey, in words; null when it is as expected. */
export function compareSteps(expected: ExpectedJourney, found: readonly ShownStep[]): string | null {
  const title = `The journey of ${nameOf(expected)}`;
  if (found.length !== expected.steps.length) {
    return `${title} has ${found.length} steps, expected ${expected.steps.length}`;
  }
  for (const [index, step] of found.entries()) {
    const before = found[index - 1];
    if (before !== undefined && before.timeMs > step.timeMs)
      return `${title} is out of order at step ${index}`;
  }
  const [a, b] = [found.map(foundStepText).sort(), expected.steps.map(expectedStepText).sort()];
  const at = a.findIndex((text, index) => text !== b[index]);
  return at < 0 ? null : `${title} has ${a[at]}, expected ${b[at]}`;
}

/** The whole journey, a page at a time, oldest first. */
async function readJourney(graph: GraphReader, of: NodeRef): Promise<readonly StepView[]> {
  const steps: StepView[] = [];
  let after: TimePosition | null = null;
  for (;;) {
    const page = await graph.journey({
      of,
      sinceMs: 0,
      untilMs: Number.MAX_SAFE_INTEGER,
      domains: null,
      order: 'oldest-first',
      after,
      limit: pageSteps,
      scanMax,
      bytesMax: scanMax * 64,
    });
    steps.push(...page.steps);
    if (!page.more || page.last === null) return steps;
    after = page.last;
  }
}

/** Times have the same number of digits here, so that sorted texts are sorted by time. */
function foundStepText({ timeMs, domain, action, links, properties }: ShownStep): string {
  const linkTexts = links.map(({ edge, direction, node }) => `${edge} ${direction} ${nameOf(node)}`).sort();
  const propertyTexts = properties.map(([name, value]) => `${name}=${String(value)}`).sort();
  return [timeMs, domain, action, ...linkTexts, ...propertyTexts].join(' | ');
}

function expectedStepText({ timeMs, domain, action, links, properties }: ExpectedStep): string {
  const linkTexts = links.map((link) => `${link.edge} ${link.direction} ${nameOf(link)}`).sort();
  const propertyTexts = Object.entries(properties).map(([name, value]) => `${name}=${String(value)}`);
  return [timeMs, domain, action, ...linkTexts, ...propertyTexts.sort()].join(' | ');
}
