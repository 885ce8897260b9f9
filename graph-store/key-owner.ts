import { assert } from '../foundation/index.ts';
import type { NodeRef } from './model.ts';
import { nodePrefix } from './rows.ts';

/** Whether keys lie where their node's name puts them, its hash included. Rows of one node follow each other, so that few prefixes are made. */
export class KeyOwner {
  #prefix: Buffer = Buffer.alloc(0);

  /** `node` is what the key says behind its hash. Throws AssertionError. */
  check(key: Buffer, node: NodeRef): void {
    const before = this.#prefix;
    if (before.length > 0 && key.subarray(0, before.length).equals(before)) return;
    const prefix = nodePrefix(node);
    assert(key.subarray(0, prefix.length).equals(prefix), 'the key is not written as the product writes it');
    this.#prefix = prefix;
  }
}
