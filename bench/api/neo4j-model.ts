/**
 * One relationship an event is its step and its occurrence in one, the leanest model that can answer what is asked. It carries its title's id for an index
 * that knows a title's viewings in order of time: a node's own relationships have no order, and a popular title has a million.
 *
 * The walk is a field of its own in Cypher, as the documentation advises for what the generated fields do not say: they have no limit on
 * all edges of a hop together.
 */
export const neo4jTypeDefs = `#graphql
  type Account @node {
    id: ID!
    watched: [Title!]! @relationship(type: "WATCHED", direction: OUT, properties: "Watched")
  }
  type Title @node {
    id: ID!
    name: String!
    kind: String!
    watchedBy: [Account!]! @relationship(type: "WATCHED", direction: IN, properties: "Watched")
  }
  type Watched @relationshipProperties {
    event: String!
    atMs: BigInt!
    seconds: Int!
    completion: Float!
    reason: String!
    device: String!
  }
  type Query {
    titlesOfOthers(account: ID!, since: BigInt!, edges: Int!, rows: Int!): [String!]!
      @cypher(statement: """
        MATCH (:Account {id: $account})-[w:WATCHED]->(one) WHERE w.atMs >= $since
        WITH one, max(w.atMs) AS newest ORDER BY newest DESC LIMIT toInteger($edges)
        CALL (one) {
          MATCH (two)-[w:WATCHED]->() WHERE w.title = one.id AND w.atMs >= $since
          RETURN two, w.atMs AS atMs ORDER BY w.title DESC, w.atMs DESC LIMIT toInteger($rows)
        }
        WITH one, two, atMs ORDER BY atMs DESC LIMIT toInteger($rows)
        WITH one, two, max(atMs) AS newest ORDER BY newest DESC LIMIT toInteger($edges)
        WITH DISTINCT two
        MATCH (two)-[w:WATCHED]->(three) WHERE w.atMs >= $since
        WITH two, three, w.atMs AS atMs ORDER BY atMs DESC LIMIT toInteger($rows)
        WITH two, three, max(atMs) AS newest ORDER BY newest DESC LIMIT toInteger($edges)
        RETURN collect(DISTINCT three.id) AS ids
      """, columnName: "ids")
  }
`;

/** After the import: what looks a node up by its id, and a title's viewings by time. */
export const neo4jIndexes = [
  'CREATE CONSTRAINT FOR (n:Account) REQUIRE n.id IS UNIQUE',
  'CREATE CONSTRAINT FOR (n:Title) REQUIRE n.id IS UNIQUE',
  'CREATE INDEX FOR ()-[w:WATCHED]-() ON (w.title, w.atMs)',
] as const;
