import { clientTypes, schemaOfGraph } from '../query-api/index.ts';
import { edgeType, graphWith } from '../query-api/typed-edges/typed-edges-testing.ts';

/** One of them is called as something that every object of JavaScript has. */
const titleProperties = Object.fromEntries([['name', 'text'], ['constructor', 'text']] as const); // biome-ignore format: one row

/** What the tests of the client ask: two node types, an edge, a node type that is called as JavaScript's own are, and hostile names. */
export const testedGraph = graphWith(
  { Account: { country: 'text', logins: 'integer' }, Guest: { mail: 'text' }, Title: titleProperties },
  edgeType('WATCHED', [['Account', 'Title'], ['Guest', 'Title']], { seconds: 'integer', finished_at: 'timestamp' }),
); // biome-ignore format: one row each

export function testedTypes(): string {
  return clientTypes(schemaOfGraph(testedGraph));
}
