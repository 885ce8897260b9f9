import type { DocumentNode, GraphQLSchema } from 'graphql';
import { PreparedOperation } from './prepared-operation.ts';

const operationsMax = 500;
/** Of their texts together. */
const charactersMax = 2 * 2 ** 20;
const acceptsMax = 100;
const acceptLengthMax = 200;

/**
 * Operations that were asked for before, by their text, of one schema: another one begins anew. Bounded by policy *least recently used out*. A text that
 * is known here has been parsed and validated, also where it is nothing that can be prepared.
 */
export class PreparedOperations {
  #schema: GraphQLSchema | null = null;
  /** In the order of use. */
  readonly #byText = new Map<string, PreparedOperation | null>();
  #characters = 0;
  /** What Apollo chose for an answer, by what was accepted; it goes by nothing else. */
  readonly #contentTypes = new Map<string, string>();

  isKnown(schema: GraphQLSchema, text: string): boolean {
    return this.#schema === schema && this.#byText.has(text);
  }

  /** Null of one that is unknown, or cannot be prepared. */
  find(schema: GraphQLSchema, text: string): PreparedOperation | null {
    if (this.#schema !== schema) return null;
    const found = this.#byText.get(text);
    if (found === undefined) return null;
    this.#byText.delete(text);
    this.#byText.set(text, found);
    return found;
  }

  /** `document` is the text's, and valid. */
  learn(schema: GraphQLSchema, text: string, document: DocumentNode): void {
    if (this.#schema !== schema) {
      this.#schema = schema;
      this.#byText.clear();
      this.#characters = 0;
    }
    if (this.#byText.has(text)) return;
    this.#byText.set(text, PreparedOperation.of(schema, document));
    this.#characters += text.length;
    while (this.#byText.size > operationsMax || this.#characters > charactersMax) {
      const [oldest] = this.#byText.keys();
      if (oldest === undefined) return;
      this.#byText.delete(oldest);
      this.#characters -= oldest.length;
    }
  }

  /** Null while that is not known. */
  contentTypeFor(accept: string | undefined): string | null {
    return this.#contentTypes.get(accept ?? '') ?? null;
  }

  learnContentType(accept: string | undefined, contentType: string): void {
    const accepted = accept ?? '';
    if (this.#contentTypes.size < acceptsMax && accepted.length <= acceptLengthMax)
      this.#contentTypes.set(accepted, contentType);
  }
}
