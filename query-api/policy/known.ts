/** What may be handed on of a query. A new field of the port does not compile until somebody has thought of what it tells about what is hidden. */
export type Known<Query> = { readonly [Name in keyof Query]-?: Query[Name] };
