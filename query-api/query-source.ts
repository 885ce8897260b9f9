import { type GraphQLError, Lexer, Source, TokenKind } from 'graphql';
import { tooLarge } from './api-error.ts';

/** Far above what a query needs, far below what overflows the stack of a parser that recurses. */
const nestingMax = 200;
/** Validation walks fragments by recursion and compares them in pairs. */
const spreadsMax = 250;
/** A line for each token, and as many for comments: the place of each node of each error is found by counting lines from the first one on. */
const linesOfToken = 2;

const opening: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/**
 * Refuses a query by its tokens alone, in one pass without recursion, before it is parsed or validated: both recurse, and
 * validation compares fields in pairs. Null when the query may be parsed; what is no GraphQL is left to the parser to say.
 */
export function sourceRefusal(query: string, tokensMax: number): GraphQLError | null {
  const linesMax = tokensMax * linesOfToken;
  const lexer = new Lexer(new Source(query));
  let tokens = 0;
  let nesting = 0;
  let spreads = 0;
  for (;;) {
    const kind = nextKind(lexer);
    if (lexer.line > linesMax) return tooLarge(`The query has more than ${linesMax} lines.`, linesMax);
    if (kind === null || kind === TokenKind.EOF) return null;
    tokens += 1;
    if (opening.has(kind)) nesting += 1;
    if (closing.has(kind)) nesting -= 1;
    if (kind === TokenKind.SPREAD) spreads += 1;
    if (tokens > tokensMax) return tooLarge(`The query has more than ${tokensMax} tokens.`, tokensMax);
    if (nesting > nestingMax)
      return tooLarge(`The query nests deeper than ${nestingMax} brackets.`, nestingMax);
    if (spreads > spreadsMax) return tooLarge(`The query has more than ${spreadsMax} spreads.`, spreadsMax);
  }
}

function nextKind(lexer: Lexer): TokenKind | null {
  try {
    return lexer.advance().kind;
  } catch {
    // The lexer throws nothing but syntax errors, and the parser meets the same one again with its place.
    return null;
  }
}
