import {
  child,
  children,
  type Finding,
  lineAt,
  memberName,
  type ParsedModule,
  propertyName,
  type SyntaxNode,
  text,
  walk,
} from './parsed-module.ts';
import { isTestOnly, roomOf } from './source-files.ts';

interface Rule {
  /** Says what to do instead. */
  readonly message: string;
  readonly appliesTo: (path: string) => boolean;
  readonly matches: (node: SyntaxNode) => boolean;
}

const everywhere = (): boolean => true;
const shipped = (path: string): boolean => !isTestOnly(path);
/**
 * The page in the browser and clients in somebody else's program have no composition that could pass them a clock; `cli/` is the composition. A device takes
 * its ports too, and only their default touches the clock.
 */
const needsPassedClock = (path: string): boolean =>
  shipped(path) &&
  !['foundation/clock.ts', 'device/device-ports.ts'].includes(path) &&
  !['cli', 'client', 'console'].includes(roomOf(path));

const timers = new Set(['setTimeout', 'setInterval', 'setImmediate']);
const timerModules = new Set(['node:timers', 'node:timers/promises']);

const rules: readonly Rule[] = [
  {
    message: 'only config/ reads process.env: take a setting',
    appliesTo: (path) => shipped(path) && roomOf(path) !== 'config',
    matches: (node) => memberName(node) === 'process.env' || importsName(node, 'node:process', 'env'),
  },
  {
    message: 'time is passed in: take a Clock (foundation/clock.ts)',
    appliesTo: needsPassedClock,
    matches: (node) => memberName(node) === 'Date.now' || isDateOfNow(node),
  },
  {
    message: 'randomness is passed in: take a Random (foundation/clock.ts)',
    appliesTo: needsPassedClock,
    matches: (node) => memberName(node) === 'Math.random',
  },
  {
    message: 'timers are passed in: take a Clock (foundation/clock.ts)',
    appliesTo: needsPassedClock,
    matches: (node) => startsTimer(node),
  },
  {
    message: '"as any" switches the checker off: narrow the value instead',
    appliesTo: everywhere,
    matches: (node) => isCast(node) && child(node, 'typeAnnotation')?.type === 'TSAnyKeyword',
  },
  {
    message: '"as unknown as" switches the checker off: narrow the value instead',
    appliesTo: shipped,
    matches: (node) => {
      const inner = isCast(node) ? child(node, 'expression') : null;
      return inner !== null && isCast(inner) && child(inner, 'typeAnnotation')?.type === 'TSUnknownKeyword';
    },
  },
  {
    message: 'a swallowed rejection: handle it, count it, or let it be thrown',
    appliesTo: everywhere,
    matches: swallowsRejection,
  },
  {
    message: 'a focused test hides all others: remove ".only"',
    appliesTo: everywhere,
    matches: (node) => /^(describe|it|test|suite)\.only$/.test(memberName(node) ?? ''),
  },
];

/** What no linter rule at hand forbids, or forbids only in some places. */
export function checkForbidden(modules: readonly ParsedModule[]): Finding[] {
  const findings: Finding[] = [];
  for (const module of modules) {
    const active = rules.filter((rule) => rule.appliesTo(module.path));
    walk(module.program, (node) => {
      for (const rule of active) {
        if (!rule.matches(node)) continue;
        findings.push({ path: module.path, line: lineAt(module.source, node.start), message: rule.message });
      }
    });
    for (const comment of module.comments) {
      const message = refuseComment(comment.value.trim());
      if (message === null) continue;
      findings.push({ path: module.path, line: lineAt(module.source, comment.start), message });
    }
  }
  return findings;
}

function refuseComment(comment: string): string | null {
  if (/^@ts-(ignore|nocheck)\b/.test(comment))
    return 'a comment switches the checker off: repair the type instead';
  return /^@ts-expect-error\W*$/.test(comment) ? '"@ts-expect-error" needs its reason behind it' : null;
}

function isCast(node: SyntaxNode): boolean {
  return node.type === 'TSAsExpression' || node.type === 'TSTypeAssertion';
}

function isDateOfNow(node: SyntaxNode): boolean {
  if (node.type !== 'NewExpression' && node.type !== 'CallExpression') return false;
  if (text(child(node, 'callee'), 'name') !== 'Date') return false;
  return node.type === 'CallExpression' || children(node, 'arguments').length === 0;
}

function startsTimer(node: SyntaxNode): boolean {
  if (node.type === 'ImportDeclaration') return timerModules.has(text(child(node, 'source'), 'value') ?? '');
  if (node.type !== 'CallExpression') return false;
  const name =
    text(child(node, 'callee'), 'name') ?? memberName(child(node, 'callee'))?.replace('globalThis.', '');
  return timers.has(name ?? '');
}

function importsName(node: SyntaxNode, source: string, name: string): boolean {
  if (node.type !== 'ImportDeclaration' || text(child(node, 'source'), 'value') !== source) return false;
  return children(node, 'specifiers').some(
    (specifier) => text(child(specifier, 'imported'), 'name') === name,
  );
}

/** `.catch(() => {})` and its spellings: an empty body, or a body that is only `undefined` or `null`. */
function swallowsRejection(node: SyntaxNode): boolean {
  const callee = node.type === 'CallExpression' ? child(node, 'callee') : null;
  if (callee?.type !== 'MemberExpression' || propertyName(callee) !== 'catch') return false;
  const handler = children(node, 'arguments')[0];
  const body = handler === undefined ? null : child(handler, 'body');
  if (body === null) return false;
  if (body.type === 'BlockStatement') return children(body, 'body').length === 0;
  return (
    text(body, 'name') === 'undefined' || text(body, 'operator') === 'void' || text(body, 'raw') === 'null'
  );
}
