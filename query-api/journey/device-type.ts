import { nameBytesMax } from '../../graph-store/index.ts';
import { badInput } from '../api-error.ts';

export const defaultDeviceType = 'Device';

/** Any name that a node type may have: one that the graph lacks is on no step. Throws a GraphQLError that names the argument. */
export function readDeviceType(argument: string, type: string): string {
  if (type === '' || type.length > nameBytesMax) {
    throw badInput(argument, `a node type of 1 to ${nameBytesMax} characters`);
  }
  return type;
}
