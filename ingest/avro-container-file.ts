import { createReadStream } from 'node:fs';
import { type ContainerDatum, readContainerData } from '../archive/index.ts';
import { BadDataError, JourneyGraphError, RefusedError } from '../foundation/index.ts';

/**
 * Reads an Avro object container file of this machine, as other tools write it, a block at a time.
 *
 * @throws RefusedError `SAMPLES_UNREADABLE`, naming the place; `BadDataError` when its schema is none.
 */
export async function* readContainerFile(file: string): AsyncGenerator<ContainerDatum> {
  const stream = createReadStream(file);
  try {
    yield* readContainerData(file, stream);
  } catch (cause) {
    if (cause instanceof BadDataError && cause.code === 'CONTAINER_DAMAGED')
      throw new RefusedError('SAMPLES_UNREADABLE', cause.message, { cause });
    if (cause instanceof JourneyGraphError || !(cause instanceof Error) || !('code' in cause)) throw cause;
    throw new RefusedError('SAMPLES_UNREADABLE', `${file} cannot be read (${String(cause.code)}).`, {
      cause,
    });
  } finally {
    stream.destroy();
  }
}
