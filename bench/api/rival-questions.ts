import { must } from '../../foundation/index.ts';
import { canonicalIds, canonicalStep, hopEdges, type Questions, steps } from './questions.ts';

const manyEvents = 1_000_000;

/**
 * The newest rows of one node, and of one hop, that may be looked at: more than {@link hopEdges} as two of them may be of one pair, which in a small graph
 * many are. The comparison of answers says whether they are enough.
 */
export function rowsOfNode(events: number): number {
  return events < manyEvents ? hopEdges * 10 : Math.ceil(hopEdges * 1.25);
}

interface PostgraphileSteps {
  readonly data: {
    readonly accountByRowId: {
      readonly stepsByAccountId: {
        readonly nodes: readonly {
          readonly atMs: string;
          readonly seconds: number;
          readonly completion: number;
          readonly reason: string;
          readonly deviceId: string;
          readonly titleByTitleId: { readonly rowId: string; readonly name: string };
        }[];
      };
    };
  };
}

interface PostgraphileTitles {
  readonly data: { readonly titlesOfOthers: readonly string[] };
}

export function postgraphileQuestions(sinceMs: number, rows: number): Questions {
  return {
    journey: {
      query: `query($id: String!) {
  accountByRowId(rowId: $id) {
    stepsByAccountId(first: ${steps}, orderBy: [PRIMARY_KEY_DESC]) {
      nodes { atMs seconds completion reason deviceId titleByTitleId { rowId name } }
    }
  }
}`,
      variables: (id) => ({ id }),
      read: (text) => {
        const { data }: PostgraphileSteps = JSON.parse(text);
        return data.accountByRowId.stepsByAccountId.nodes.map(({ atMs, deviceId, titleByTitleId, ...said }) =>
          canonicalStep({
            ...said,
            atMs: Number(atMs),
            title: titleByTitleId.rowId,
            name: titleByTitleId.name,
            device: deviceId,
          }),
        );
      },
    },
    hop3: {
      query: `query($id: String!, $since: BigInt!) {
  titlesOfOthers(account: $id, since: $since, edges: ${hopEdges}, nodeRows: ${rows})
}`,
      variables: (id) => ({ id, since: String(sinceMs) }),
      read: (text) => {
        const { data }: PostgraphileTitles = JSON.parse(text);
        return canonicalIds(data.titlesOfOthers);
      },
    },
  };
}

interface Neo4jSteps {
  readonly data: {
    readonly accounts: readonly {
      readonly watchedConnection: {
        readonly edges: readonly {
          readonly node: { readonly id: string; readonly name: string };
          readonly properties: {
            readonly atMs: string;
            readonly seconds: number;
            readonly completion: number;
            readonly reason: string;
            readonly device: string;
          };
        }[];
      };
    }[];
  };
}

export function neo4jQuestions(sinceMs: number, rows: number): Questions {
  return {
    journey: {
      query: `query($id: ID!) {
  accounts(where: {id: {eq: $id}}) {
    watchedConnection(first: ${steps}, sort: [{edge: {atMs: DESC}}]) {
      edges { node { id name } properties { atMs seconds completion reason device } }
    }
  }
}`,
      variables: (id) => ({ id }),
      read: (text) => {
        const { data }: Neo4jSteps = JSON.parse(text);
        const account = must(data.accounts[0], 'the account is there');
        return account.watchedConnection.edges.map(({ node, properties: { atMs, ...said } }) =>
          canonicalStep({ ...said, atMs: Number(atMs), title: node.id, name: node.name }),
        );
      },
    },
    hop3: {
      query: `query($id: ID!, $since: BigInt!) {
  titlesOfOthers(account: $id, since: $since, edges: ${hopEdges}, rows: ${rows})
}`,
      variables: (id) => ({ id, since: String(sinceMs) }),
      read: (text) => {
        const { data }: PostgraphileTitles = JSON.parse(text);
        return canonicalIds(data.titlesOfOthers);
      },
    },
  };
}
