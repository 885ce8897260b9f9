import type { GraphQLError } from 'graphql';
import {
  type AdjacencyPage,
  type AdjacencyQuery,
  type BulkReads,
  type DegreeQuery,
  type DegreeView,
  type EdgeQuery,
  type EdgeView,
  encodeStepValue,
  type GraphEstimate,
  type GraphReader,
  type JourneyPage,
  type JourneyQuery,
  type NodeRef,
  type NodeView,
  type SourceStatus,
  type StepView,
} from '../../graph-store/index.ts';
import { tooLarge } from '../api-error.ts';
import { forbidden } from './forbidden.ts';
import { type Grant, shows } from './grant.ts';
import type { Known } from './known.ts';
import { NodeSight } from './node-sight.ts';
import { VisibleEdges } from './visible-edges.ts';

const noSteps: JourneyPage = { steps: [], scanned: 0, more: false, truncated: false, last: null };

/**
 * The store as one caller may see it: what they may not see is as though it were not there. Hidden nodes are null, edges and links to them are left
 * out, hidden properties are absent. Numbers tell nothing of it either: `scanned` counts what is handed out, a degree what can be seen, and a
 * page ends where the next thing that can be seen begins. One thing shows through: that a bound on rows was met, which hidden ones
 * may have been a part of; it says neither how many nor where.
 */
export class AuthorizedReader implements GraphReader {
  readonly #reader: GraphReader;
  readonly #grant: Grant;
  readonly #sight: NodeSight;
  readonly #edges: VisibleEdges;

  constructor(reader: GraphReader, grant: Grant) {
    this.#reader = reader;
    this.#grant = grant;
    this.#sight = new NodeSight(reader, grant);
    this.#edges = new VisibleEdges(reader, grant, this.#sight);
  }

  async node(ref: NodeRef): Promise<NodeView | null> {
    const [view] = await this.#sight.views([ref]);
    return view ?? null;
  }

  async nodes(refs: readonly NodeRef[]): Promise<readonly (NodeView | null)[]> {
    return await this.#sight.views(refs);
  }

  async journey(query: JourneyQuery): Promise<JourneyPage> {
    const { of, sinceMs, untilMs, order, after, limit, scanMax, bytesMax } = query;
    const domains = this.#grant.domains(query.domains);
    if (domains !== null && domains.length === 0) return noSteps;
    const edgeTypes = query.edgeTypes?.filter((type) => this.#grant.edgesOf(type) !== null) ?? null;
    if (edgeTypes !== null && edgeTypes.length === 0) return noSteps;
    if (!(await this.#sight.visible([of]))(of)) return noSteps;
    const asked: Known<JourneyQuery> = {
      of,
      sinceMs,
      untilMs,
      domains,
      edgeTypes,
      order,
      after,
      limit,
      scanMax,
      bytesMax,
    };
    if (edgeTypes !== null && !this.#grant.seesEveryNode) return await this.#journeyByEdges(asked, edgeTypes);
    const seesAll = this.#grant.domains(null) === null;
    const page = seesAll ? await this.#reader.journey(asked) : await this.#journeyOfSome(asked);
    return { ...page, steps: await this.#shownSteps(page.steps) };
  }

  /**
   * A step whose only links of these types lead to hidden nodes would tell that there are some: the page goes on to the next one behind it. It ends by what is
   * shown, in bytes as well: where a round of reading ended tells of what is hidden.
   */
  async #journeyByEdges(asked: Known<JourneyQuery>, edgeTypes: readonly string[]): Promise<JourneyPage> {
    const { limit, scanMax } = asked;
    const wanted = new Set(edgeTypes);
    const found: StepView[] = [];
    let left = scanMax;
    let after = asked.after;
    let page: JourneyPage = noSteps;
    let steps: readonly StepView[] = [];
    do {
      page = await this.#reader.journey({ ...asked, after, limit: limit + 1, scanMax: left });
      const shown = await this.#shownSteps(page.steps);
      found.push(...shown.filter(({ links }) => links.some(({ edge }) => wanted.has(edge))));
      left -= Math.max(1, page.scanned);
      after = page.last;
      steps = pageOf(found, asked);
    } while (page.more && left > 0 && found.length === steps.length);
    const lastStep = steps.at(-1);
    const last = lastStep === undefined ? null : { timeMs: lastStep.timeMs, occurrence: lastStep.occurrence };
    if (found.length > steps.length) {
      return { steps, scanned: steps.length, more: true, truncated: steps.length < limit, last };
    }
    if (page.more && last === null) throw nothingToSee(scanMax);
    return {
      steps,
      scanned: page.more ? scanMax : steps.length,
      more: page.more,
      truncated: page.more,
      last,
    };
  }

  /** Between the steps of a page and after it there may be some of domains that are hidden: neither a count nor a place may tell of them. */
  async #journeyOfSome(asked: Known<JourneyQuery>): Promise<JourneyPage> {
    const { limit, scanMax } = asked;
    const page = await this.#reader.journey({ ...asked, limit: limit + 1 });
    const steps = page.steps.slice(0, limit);
    const lastStep = steps.at(-1);
    const last = lastStep === undefined ? null : { timeMs: lastStep.timeMs, occurrence: lastStep.occurrence };
    if (page.steps.length > limit)
      return { steps, scanned: steps.length, more: true, truncated: false, last };
    const scanEnded = page.truncated && page.scanned >= scanMax;
    if (scanEnded && last === null) {
      throw nothingToSee(scanMax);
    }
    if (scanEnded) return { steps, scanned: scanMax, more: true, truncated: true, last };
    const more = page.truncated && last !== null && (await this.#hasStepAfter(asked, last));
    return { steps, scanned: steps.length, more, truncated: more, last };
  }

  async #hasStepAfter(asked: Known<JourneyQuery>, after: JourneyQuery['after']): Promise<boolean> {
    const next = await this.#reader.journey({ ...asked, after, limit: 1 });
    return next.steps.length > 0 || next.truncated;
  }

  async #shownSteps(steps: readonly StepView[]): Promise<readonly StepView[]> {
    const links = steps
      .flatMap((step) => step.links)
      .filter(({ edge }) => this.#grant.edgesOf(edge) !== null);
    const visible = await this.#sight.visible(links.map(({ node }) => node));
    return steps.map((step) => {
      const { fields, lineage } = this.#grant.stepsOf(step.domain) ?? { fields: new Set(), lineage: false };
      return {
        ...step,
        links: step.links.filter(({ edge, node }) => this.#grant.edgesOf(edge) !== null && visible(node)),
        properties: step.properties.filter(([name]) => shows(fields, name)),
        lineage: lineage ? step.lineage : null,
      };
    });
  }

  async adjacency(query: AdjacencyQuery): Promise<AdjacencyPage> {
    return await this.#edges.page(query);
  }

  async adjacencies(queries: readonly AdjacencyQuery[]): Promise<readonly AdjacencyPage[]> {
    return await this.#edges.pages(queries);
  }

  async degree(query: DegreeQuery): Promise<DegreeView> {
    const { of, type, direction, sinceMs, untilMs, scanMax } = query;
    const asked: Known<DegreeQuery> = { of, type, direction, sinceMs, untilMs, scanMax };
    if (this.#grant.edgesOf(type) === null) return { count: 0, exact: true };
    // What the engine knows without reading counts everybody's.
    if (this.#grant.seesEveryNode) return await this.#reader.degree(asked);
    const { occurrences, truncated } = await this.#edges.page({
      ...asked,
      limit: Number.POSITIVE_INFINITY,
      endsOnly: true,
    });
    return { count: occurrences.length, exact: !truncated };
  }

  async edge(query: EdgeQuery): Promise<EdgeView | null> {
    const { type, from, to, key, folds, scanMax } = query;
    const asked: Known<EdgeQuery> = { type, from, to, key, folds, scanMax };
    const rights = this.#grant.edgesOf(type);
    if (rights === null) return null;
    const visible = await this.#sight.visible([from, to]);
    if (!visible(from) || !visible(to)) return null;
    const view = await this.#reader.edge(asked);
    if (view === null) return null;
    const properties = view.properties.filter(([name]) => shows(rights.fields, name));
    return { ...view, properties, lineage: rights.lineage ? view.lineage : null };
  }

  /** For work over all nodes: of one who does not see everything, each page would tell what is hidden. */
  get bulk(): BulkReads {
    if (!this.#grant.seesEverything) throw forbidden('audiences');
    return this.#reader.bulk;
  }

  /** What partitions hold is about everybody's events. */
  async sources(): Promise<readonly SourceStatus[]> {
    if (!this.#grant.allows('status')) throw forbidden('status');
    return await this.#reader.sources();
  }

  async estimate(): Promise<GraphEstimate> {
    if (!this.#grant.allows('status')) throw forbidden('status');
    return await this.#reader.estimate();
  }
}

/** As many of them as one page takes; the store counts bytes the same way. */
function pageOf(steps: readonly StepView[], { limit, bytesMax }: Known<JourneyQuery>): readonly StepView[] {
  let bytes = 0;
  const end = steps.findIndex((step, at) => {
    if (at >= limit || bytes >= bytesMax) return true;
    bytes += encodeStepValue(step).length;
    return false;
  });
  return end < 0 ? steps : steps.slice(0, end);
}

function nothingToSee(scanMax: number): GraphQLError {
  const message = `More than ${scanMax} rows of this journey had to be looked at to find a step that you may see: narrow \`since\` and \`until\`.`;
  return tooLarge(message, scanMax);
}
