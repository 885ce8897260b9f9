/** Container images of the services: the same versions as the poms and `docker-compose.yml` name (a test compares them). */
export const images = {
  kafka: 'apache/kafka:4.1.0',
  registry: 'apicurio/apicurio-registry-mem:2.5.11.Final',
  neo4j: 'neo4j:5.26-community',
  cassandra: 'cassandra:5.0.5',
} as const;
