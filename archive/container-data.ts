import { BadDataError } from '../foundation/index.ts';
import { AvroSchema, compileWireLength, type WireLength } from '../schemas/index.ts';
import { type ContainerBlock, openContainer } from './avro-container.ts';

/** Far beyond what an event may have, which is for whoever decodes it to judge: only what no memory would hold ends a file. */
const limits = { valuesMax: 16_777_216, depthMax: 256 };

/** One datum of a container file, in its Avro bytes. */
export interface ContainerDatum {
  /** Counts from 0 through the whole file. */
  readonly index: number;
  /** Of the block that holds it. */
  readonly block: number;
  readonly writer: AvroSchema;
  readonly bytes: Buffer;
}

/**
 * All values of a container file. Those before `from` are passed over, their blocks without being unfolded.
 *
 * @throws BadDataError `CONTAINER_DAMAGED`, naming file and place; `SCHEMA_INVALID` when its schema is none.
 */
export async function* readContainerData(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  from = 0,
): AsyncGenerator<ContainerDatum> {
  const container = await openContainer(file, chunks);
  const writer = new AvroSchema(container.metadata.get('avro.schema')?.toString('utf8') ?? '');
  const endOf = compileWireLength(writer.type, limits);
  let index = 0;
  for await (const block of container.blocks()) {
    if (index + block.count <= from) {
      index += block.count;
      continue;
    }
    for (const bytes of dataOf(file, block, endOf)) {
      if (index >= from) yield { index, block: block.index, writer, bytes };
      index += 1;
    }
  }
}

function* dataOf(file: string, block: ContainerBlock, endOf: WireLength): Generator<Buffer> {
  const unfolded = block.unfold();
  let position = 0;
  for (let done = 0; done < block.count; done += 1) {
    let next: number;
    try {
      next = endOf(unfolded, position);
    } catch (error) {
      if (!(error instanceof BadDataError)) throw error;
      throw damaged(file, block, `value ${done}`);
    }
    yield unfolded.subarray(position, next);
    position = next;
  }
  if (position !== unfolded.length) throw damaged(file, block, 'what follows the last value');
}

function damaged(file: string, block: ContainerBlock, what: string): BadDataError {
  const message = `${file} is damaged: ${what} of the block at byte ${block.at} does not fit the file's schema.`;
  return new BadDataError('CONTAINER_DAMAGED', message);
}
