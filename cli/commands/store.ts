import type { Command } from 'commander';
import type { CommandIo, ExitCode } from '../command-io.ts';
import { addStoreCopy } from './store-copy.ts';
import { addStoreRestore } from './store-restore.ts';
import { addStoreSnapshot } from './store-snapshot.ts';
import { addStoreStats } from './store-stats.ts';
import { addStoreVerify } from './store-verify.ts';

const examples = `Examples:
  jg store snapshot graph.jgsnapshot                a copy of a running server's graph
  jg store restore graph.jgsnapshot --data ./other  into an empty data folder
  jg store copy --from ./data --to neo4j            a graph that has outgrown one process
  jg store verify --data ./data                     is every row in order, while no server runs
  jg store stats                                    what a running server's store holds
`;

/** `jg store`: copies of the graph, and what an operator wants to know of it. */
export function addStoreCommands(store: Command, io: CommandIo, finish: (code: ExitCode) => void): void {
  store.addHelpText('before', examples);
  for (const add of [addStoreSnapshot, addStoreRestore, addStoreCopy, addStoreVerify, addStoreStats])
    add(store, io, finish);
}
