import { GraphQLError } from 'graphql';
import { JourneyGraphError } from '../../foundation/index.ts';
import type { ApiContext } from '../api-context.ts';
import { forbidden } from '../policy/forbidden.ts';
import type { Audiences } from './audiences.ts';

/**
 * Throws a GraphQLError AUDIENCES_OFF of a server that keeps none; FORBIDDEN to a caller from whom a policy hides anything, since an audience is counted over
 * everybody's nodes, edges and properties, whoever froze it.
 */
export function audiencesOf({ audiences, grant }: ApiContext): Audiences {
  if (grant !== null && !grant.seesEverything) throw forbidden('audiences');
  if (audiences !== null) return audiences;
  throw new GraphQLError('This server keeps no audiences.', { extensions: { code: 'AUDIENCES_OFF' } });
}

/** Errors about audiences reach the caller under their own code. */
export async function told<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof JourneyGraphError) || error.reaction !== 'refused') throw error;
    throw new GraphQLError(error.message, { extensions: { code: error.code }, originalError: null });
  }
}
