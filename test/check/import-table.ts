import { posix } from 'node:path';
import {
  child,
  children,
  type Finding,
  lineAt,
  type ParsedModule,
  type SyntaxNode,
  text,
  walk,
} from './parsed-module.ts';
import { isTestOnly, roomOf } from './source-files.ts';

/** For each room, the rooms whose `index.ts` it may import. `all` is for composition. */
export type ImportTable = Readonly<Record<string, readonly string[] | 'all'>>;

/** The house's table, with `foundation` open to every room but the console, which runs in a browser. */
export const houseTable: ImportTable = {
  foundation: [],
  'graph-store': ['foundation'],
  schemas: ['foundation', 'graph-store'],
  processors: ['foundation', 'schemas', 'graph-store'],
  archive: ['foundation', 'schemas'],
  ingest: ['foundation', 'processors', 'archive', 'schemas', 'graph-store'],
  'query-api': ['foundation', 'schemas', 'graph-store'],
  'live-events': ['foundation', 'query-api', 'graph-store', 'device'],
  device: [],
  client: [],
  console: [],
  config: ['foundation'],
  demo: ['foundation', 'schemas', 'ingest'],
  cli: 'all',
  '': 'all',
};

export interface ImportRules {
  readonly table: ImportTable;
  /** Names of packages that are there at run time, from `dependencies` of package.json. */
  readonly dependencies: ReadonlySet<string>;
}

interface Reference {
  /** Null when the module is named by an expression. */
  readonly specifier: string | null;
  readonly line: number;
  /** A file that is read rather than imported: data, or a module started as a worker. */
  readonly isUrl: boolean;
}

/** Everything a module refers to by a module specifier: types, re-exports, dynamic imports and worker files alike. */
export function references(module: ParsedModule): Reference[] {
  const found: Reference[] = [];
  walk(module.program, (node) => {
    const isUrl = isModuleUrl(node);
    const source = isUrl ? (children(node, 'arguments')[0] ?? null) : importedSource(node);
    if (source === null) return;
    found.push({ specifier: literalText(source), line: lineAt(module.source, node.start), isUrl });
  });
  return found;
}

/** One finding for each import the table does not allow. Looking at no module is a finding too. */
export function checkImports(modules: readonly ParsedModule[], rules: ImportRules): Finding[] {
  if (modules.length === 0) {
    return [{ path: '.', line: 1, message: 'the import check looked at no module' }];
  }
  const findings: Finding[] = [];
  const edges = new Map<string, Map<string, Finding>>();
  for (const module of modules) {
    for (const problem of module.problems) {
      findings.push({ path: module.path, line: 1, message: `cannot be parsed: ${problem}` });
    }
    if (isTestOnly(module.path)) continue;
    const room = roomOf(module.path);
    if (rules.table[room] === undefined) {
      findings.push({ path: module.path, line: 1, message: `"${room}/" is no room of the import table` });
      continue;
    }
    for (const reference of references(module)) {
      const message = refusal(module.path, reference, rules);
      const finding = { path: module.path, line: reference.line, message: message ?? '' };
      if (message !== null) findings.push(finding);
      const target = targetRoom(module.path, reference);
      if (target !== null && target !== room) {
        const targets = edges.get(room) ?? new Map<string, Finding>();
        if (!targets.has(target)) targets.set(target, finding);
        edges.set(room, targets);
      }
    }
  }
  return [...findings, ...cycles(edges)];
}

function refusal(path: string, reference: Reference, rules: ImportRules): string | null {
  const { specifier } = reference;
  if (specifier === null)
    return reference.isUrl ? null : 'imports a module by an expression: name it by a string';
  if (!specifier.startsWith('.')) return reference.isUrl ? null : refusePackage(specifier, rules);
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  if (target.startsWith('..')) return `"${specifier}" leaves the project`;
  const room = roomOf(path);
  const targetRoomName = roomOf(target);
  if (isTestOnly(target)) return `code that ships imports "${target}", which only tests may`;
  if (room === targetRoomName) return null;
  if (targetRoomName === '')
    return target === 'package.json' ? null : `rooms import nothing at the root ("${target}")`;
  const allowed = rules.table[room] ?? [];
  if (allowed !== 'all' && !allowed.includes(targetRoomName)) {
    return `${room}/ may not import ${targetRoomName}/ (it may: ${allowed.join(', ') || 'no room'})`;
  }
  // Composition may point at another room's files by URL (the console's pages), but never import past its door.
  if (reference.isUrl && allowed === 'all') return null;
  return target === `${targetRoomName}/index.ts`
    ? null
    : `"${target}" is inside another room: import ${targetRoomName}/index.ts`;
}

function refusePackage(specifier: string, rules: ImportRules): string | null {
  if (specifier.startsWith('node:')) return null;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return rules.dependencies.has(name)
    ? null
    : `code that ships imports "${name}", which is not among package.json's dependencies`;
}

function targetRoom(path: string, reference: Reference): string | null {
  if (reference.specifier === null || !reference.specifier.startsWith('.') || reference.isUrl) return null;
  const target = posix.normalize(posix.join(posix.dirname(path), reference.specifier));
  return isTestOnly(target) ? null : roomOf(target);
}

/** Each cycle between rooms once, told along its way. */
function cycles(edges: ReadonlyMap<string, ReadonlyMap<string, Finding>>): Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const enter = (room: string): void => {
    const start = way.indexOf(room);
    if (start !== -1) {
      const last = edges.get(way[way.length - 1] ?? '')?.get(room);
      const loop = [...way.slice(start), room].map((name) => name || '(root)').join(' -> ');
      findings.push({
        path: last?.path ?? room,
        line: last?.line ?? 1,
        message: `rooms import in a circle: ${loop}`,
      });
      return;
    }
    if (done.has(room)) return;
    way.push(room);
    for (const target of edges.get(room)?.keys() ?? []) enter(target);
    way.pop();
    done.add(room);
  };
  for (const room of edges.keys()) enter(room);
  return findings;
}

function importedSource(node: SyntaxNode): SyntaxNode | null {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return child(node, 'source');
    default:
      return null;
  }
}

/** `new URL('…', import.meta.url)`. */
function isModuleUrl(node: SyntaxNode): boolean {
  if (node.type !== 'NewExpression' || text(child(node, 'callee'), 'name') !== 'URL') return false;
  const base = children(node, 'arguments')[1];
  const meta = base === undefined ? null : child(base, 'object');
  return (
    base !== undefined && meta?.type === 'MetaProperty' && text(child(base, 'property'), 'name') === 'url'
  );
}

function literalText(node: SyntaxNode): string | null {
  if (node.type === 'Literal') return text(node, 'value');
  if (node.type !== 'TemplateLiteral') return null;
  const quasis = children(node, 'quasis');
  const raw: unknown =
    quasis.length === 1 && quasis[0] !== undefined ? Reflect.get(quasis[0], 'value') : null;
  return typeof raw === 'object' && raw !== null && 'cooked' in raw && typeof raw.cooked === 'string'
    ? raw.cooked
    : null;
}
