import { JourneyGraphError } from '../foundation/index.ts';
import { checkNodeId, type NodeRef, nameBytesMax } from '../graph-store/index.ts';
import { badInput } from './api-error.ts';

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A node reference from a caller, checked before the store sees it. */
export function readNodeRef(typeArgument: string, idArgument: string, type: string, id: string): NodeRef {
  if (!name.test(type) || type.startsWith('__') || type.length > nameBytesMax) {
    throw badInput(typeArgument, 'the name of a node type, such as Account');
  }
  try {
    checkNodeId(id);
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    throw badInput(idArgument, 'an id of 1 to 1,024 bytes without NUL');
  }
  return { type, id };
}
