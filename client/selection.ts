/** What `jg api types` says of a field. A leaf has `is`; what else there is has the type it leads to, and how that is wrapped. */
interface FieldShape {
  readonly is?: unknown;
  readonly of?: string;
  /** From the outside in: `?` may be null, `[]` is a list. */
  readonly as?: string;
  readonly args?: object;
}

/** The generated type `Graph`. */
export interface GraphShape {
  readonly types: Readonly<Record<string, Readonly<Record<string, FieldShape>>>>;
  /** Of each interface, the types that implement it. */
  readonly possible: Readonly<Record<string, string>>;
}

/** What the generated module says at run time: of fields that are no plain leaves, where they lead and of which type each argument is. */
export type GraphTable<G extends GraphShape> = Readonly<
  Record<string, Readonly<Record<string, TableField>>>
> & {
  /** Never there: carries the types. */
  readonly [typesOf]?: G;
};

export interface TableField {
  readonly of?: string;
  readonly args?: Readonly<Record<string, string>>;
}

declare const typesOf: unique symbol;

type Fields<G extends GraphShape, N> = N extends keyof G['types'] ? G['types'][N] : never;
type Possible<G extends GraphShape, N> = N extends keyof G['possible'] ? G['possible'][N] : never;
type Arguments<F> = F extends { args: infer A extends object }
  ? Record<never, never> extends A
    ? { readonly $?: A }
    : { readonly $: A }
  : unknown;

type FieldSelection<G extends GraphShape, F> = F extends { of: infer O extends string }
  ? Selection<G, O> & Arguments<F>
  : F extends { args: infer A extends object }
    ? (Record<never, never> extends A ? true : never) | { readonly $: A }
    : true;

/**
 * What of an object is wanted: `true` for a leaf, a selection for an object, `$` for arguments. Of an interface, `$on` has what is wanted of
 * a type beside that; then `__typename` is answered too, and tells them apart.
 */
export type Selection<G extends GraphShape, N extends string> = {
  readonly [F in keyof Fields<G, N>]?: FieldSelection<G, Fields<G, N>[F]>;
} & {
  readonly __typename?: true;
} & ([Possible<G, N>] extends [never]
    ? unknown
    : { readonly $on?: { readonly [P in Possible<G, N>]?: Selection<G, P> } });

/** The selection itself, with `never` where it names what there is not: a misspelt field is an error where it stands. */
export type Known<G extends GraphShape, N extends string, S> = {
  readonly [K in keyof S]: K extends '$' | '__typename'
    ? S[K]
    : K extends '$on'
      ? { readonly [P in keyof S[K]]: P extends Possible<G, N> ? Known<G, P & string, S[K][P]> : never }
      : K extends keyof Fields<G, N>
        ? Fields<G, N>[K] extends { of: infer O extends string }
          ? Known<G, O, S[K]>
          : S[K]
        : never;
};

/** What a selection answers. */
export type Selected<G extends GraphShape, N extends string, S> = S extends { readonly $on: infer On }
  ? { [P in Possible<G, N>]: Flat<{ __typename: P } & Plain<G, P, S> & OnType<G, P, On>> }[Possible<G, N>]
  : Plain<G, N, S>;

type OnType<G extends GraphShape, P, On> = P extends keyof On ? Plain<G, P & string, On[P]> : unknown;

type Plain<G extends GraphShape, N extends string, S> = {
  [F in Exclude<keyof S, '$' | '$on'>]: F extends '__typename'
    ? TypeNames<G, N>
    : Value<G, Member<Fields<G, N>, F>, S[F]>;
};

type TypeNames<G extends GraphShape, N> = [Possible<G, N>] extends [never] ? N : Possible<G, N>;
type Member<T, K> = K extends keyof T ? T[K] : never;
type Value<G extends GraphShape, F, S> = F extends { of: infer O extends string; as: infer W extends string }
  ? Wrapped<W, Selected<G, O, S>>
  : F extends { is: infer T }
    ? T
    : never;
type Wrapped<W extends string, T> = W extends `?${infer R}`
  ? Wrapped<R, T> | null
  : W extends `[]${infer R}`
    ? Wrapped<R, T>[]
    : T;
type Flat<T> = { [K in keyof T]: T[K] };
