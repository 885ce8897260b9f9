import { JourneyGraphError } from '../foundation/index.ts';
import { checkNodeId, type NodeRef, nameBytesMax } from '../graph-store/index.ts';
import { badInput } from './api-error.ts';

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function checkTypeName(argument: string, type: string, takes: string): string {
  if (name.test(type) && !type.startsWith('__') && type.length <= nameBytesMax) return type;
  throw badInput(argument, takes);
}

/** A node reference from a caller, checked before the store sees it. */
export function readNodeRef(typeArgument: string, idArgument: string, type: string, id: string): NodeRef {
  checkTypeName(typeArgument, type, 'the name of a node type, such as Account');
  try {
    checkNodeId(id);
  } catch (error) {
    if (!(error instanceof JourneyGraphError)) throw error;
    throw badInput(idArgument, 'an id of 1 to 1,024 bytes without NUL');
  }
  return { type, id };
}
