/** A real service could not be prepared or started; the message says what, why and what to do. */
export class ServiceError extends Error {
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ServiceError';
  }
}
