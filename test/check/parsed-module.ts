import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Comment, parseSync, visitorKeys } from 'oxc-parser';

/** A node of the ESTree with TypeScript's nodes. Fields beyond these are read through {@link child} and {@link text}. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** One source file as every check sees it. */
export interface ParsedModule {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly source: string;
  readonly program: SyntaxNode;
  readonly comments: readonly Comment[];
  /** What the parser could not read; a check that goes on over these would be looking at half a module. */
  readonly problems: readonly string[];
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export function parseModule(path: string, source: string): ParsedModule {
  const result = parseSync(path, source);
  return {
    path,
    source,
    program: result.program,
    comments: result.comments,
    problems: result.errors.map((error) => error.message),
  };
}

export function readModules(root: string, paths: readonly string[]): ParsedModule[] {
  return paths.map((path) => parseModule(path, readFileSync(join(root, path), 'utf8')));
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The field of a node when that field is a node. */
export function child(node: SyntaxNode, field: string): SyntaxNode | null {
  const value: unknown = Reflect.get(node, field);
  return isNode(value) ? value : null;
}

/** The nodes of a field that holds a list. */
export function children(node: SyntaxNode, field: string): SyntaxNode[] {
  const value: unknown = Reflect.get(node, field);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The field of a node when that field is a string: an identifier's name, a literal's value. */
export function text(node: SyntaxNode | null, field: string): string | null {
  const value: unknown = node === null ? null : Reflect.get(node, field);
  return typeof value === 'string' ? value : null;
}

/** `object.property` of plain names, such as `Date.now`; null for anything else. */
export function memberName(node: SyntaxNode | null): string | null {
  if (node === null || node.type !== 'MemberExpression') return null;
  const object = text(child(node, 'object'), 'name');
  const property = propertyName(node);
  return object === null || property === null ? null : `${object}.${property}`;
}

/** The name after the dot, or inside `['…']`. */
export function propertyName(member: SyntaxNode): string | null {
  const property = child(member, 'property');
  return Reflect.get(member, 'computed') === true ? text(property, 'value') : text(property, 'name');
}

/** Every node below and including `node`, parents first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parents: readonly SyntaxNode[]) => void,
): void {
  const parents: SyntaxNode[] = [];
  const step = (current: SyntaxNode): void => {
    visit(current, parents);
    parents.push(current);
    for (const key of visitorKeys[current.type] ?? []) {
      const value: unknown = Reflect.get(current, key);
      if (isNode(value)) step(value);
      else if (Array.isArray(value)) for (const item of value) if (isNode(item)) step(item);
    }
    parents.pop();
  };
  step(node);
}

/** 1-based line of an index into the source. */
export function lineAt(source: string, index: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at !== -1 && at < index; at = source.indexOf('\n', at + 1)) line++;
  return line;
}
