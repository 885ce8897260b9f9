import { must } from '../../foundation/index.ts';
import { canonicalIds, canonicalStep, hopEdges, type Questions, steps } from './questions.ts';

const journeyQuery = `query($id: ID!) {
  journey(of: {type: "Account", id: $id}, since: "1970-01-01T00:00:00Z", first: ${steps}, order: NEWEST_FIRST) {
    edges { node { time properties links { edge node { id } } } }
  }
}`;

interface JourneyData {
  readonly data: {
    readonly journey: {
      readonly edges: readonly {
        readonly node: {
          readonly time: string;
          readonly properties: {
            readonly title: string;
            readonly seconds: number;
            readonly completion: number;
            readonly reason: string;
          };
          readonly links: readonly { readonly edge: string; readonly node: { readonly id: string } }[];
        };
      }[];
    };
  };
}

function readJourney(text: string): readonly string[] {
  const { data }: JourneyData = JSON.parse(text);
  return data.journey.edges.map(({ node: { time, properties, links } }) => {
    const linked = (edge: string): string =>
      must(links.find((link) => link.edge === edge)?.node.id, `a step has a link ${edge}`);
    const { title: name, seconds, completion, reason } = properties;
    const atMs = Date.parse(time);
    return canonicalStep({
      atMs,
      title: linked('WATCHED'),
      name,
      device: linked('USED'),
      seconds,
      completion,
      reason,
    });
  });
}

const hop = (direction: 'OUT' | 'IN'): string =>
  `{edge: "WATCHED", direction: ${direction}, since: $since, limit: ${hopEdges}, order: LATEST}`;
const traverseQuery = `query($id: ID!, $since: DateTime!) {
  traverse(from: {type: "Account", id: $id}, hops: [${hop('OUT')}, ${hop('IN')}, ${hop('OUT')}], unique: HOP) {
    hops { nodes { id } }
  }
}`;

interface TraverseData {
  readonly data: {
    readonly traverse: {
      readonly hops: readonly { readonly nodes: readonly { readonly id: string }[] }[];
    };
  };
}

function readTraverse(text: string): readonly string[] {
  const { data }: TraverseData = JSON.parse(text);
  const last = must(data.traverse.hops.at(-1), 'three hops were asked for');
  return canonicalIds(last.nodes.map(({ id }) => id));
}

export function ourQuestions(sinceMs: number): Questions {
  const since = new Date(sinceMs).toISOString();
  return {
    journey: { query: journeyQuery, variables: (id) => ({ id }), read: readJourney },
    hop3: { query: traverseQuery, variables: (id) => ({ id, since }), read: readTraverse },
  };
}
