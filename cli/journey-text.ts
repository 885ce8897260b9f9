import { printable } from './command-io.ts';
import { renderTable } from './table.ts';

/** What the commands ask of a journey; one query for the table, the start-up answer and the documentation. */
export const journeyQuery = `query Journey($of: NodeRefInput!, $since: DateTime, $until: DateTime, $domains: [String!], $first: Int, $order: JourneyOrder) {
  journey(of: $of, since: $since, until: $until, domains: $domains, first: $first, order: $order) {
    edges { node { time domain action properties } }
    pageInfo { hasNextPage endCursor }
    completeness { complete truncatedBy limit scanned }
  }
}`;

interface ShownStep {
  readonly time: string;
  readonly domain: string;
  readonly action: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** The steps of an answer to {@link journeyQuery}; null when the answer has another shape. */
export function journeySteps(data: unknown): readonly ShownStep[] | null {
  const edges = field(field(data, 'journey'), 'edges');
  if (!Array.isArray(edges)) return null;
  return edges.map((edge) => shownStep(field(edge, 'node')));
}

function shownStep(node: unknown): ShownStep {
  const properties = field(node, 'properties');
  return {
    time: String(field(node, 'time')),
    domain: String(field(node, 'domain')),
    action: String(field(node, 'action')),
    properties: typeof properties === 'object' && properties !== null ? { ...properties } : {},
  };
}

export function renderJourney(steps: readonly ShownStep[]): string {
  return renderTable(['time (UTC)', 'domain', 'step', 'details'], steps.map(cells));
}

/** One line, for steps that come one by one; columns are as wide as what comes mostly needs. */
export function renderStep(step: unknown): string {
  const [time = '', domain = '', action = '', details = ''] = cells(shownStep(step)).map(printable);
  return [time, domain.padEnd(10), action.padEnd(16), details].join('  ').trimEnd();
}

function cells(step: ShownStep): readonly string[] {
  return [
    step.time.replace('T', ' ').replace(/\.\d+Z$|Z$/, ''),
    step.domain,
    step.action,
    Object.entries(step.properties)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name} ${printable(String(value))}`)
      .join(', '),
  ];
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
