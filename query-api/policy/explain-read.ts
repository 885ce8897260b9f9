import type { NodeRef } from '../../graph-store/index.ts';
import type { Caller, ClaimValue } from '../auth/caller.ts';
import { claimValues, scopesOf } from '../auth/token-verifier.ts';
import { Grant } from './grant.ts';
import {
  everyName,
  type Fields,
  type NodeRights,
  type Policy,
  type RowRule,
  type ScopeRights,
} from './policy.ts';

/** The payload of a JWT, as somebody wrote it. */
export type Claims = Readonly<Record<string, unknown>>;

export interface ReadExplanation {
  /** `depends`: on what the graph holds, which the reasons name. */
  readonly answer: 'yes' | 'no' | 'depends';
  /** Sentences, one for each scope and rule that was looked at. */
  readonly reasons: readonly string[];
  /** Those that can be shown if the node is; of `all`, whatever it has. */
  readonly fields: 'all' | readonly string[];
}

interface Verdict {
  readonly holds: boolean | null;
  readonly reason: string;
}

/** Why a caller with these claims may read a node, or may not, as far as that can be said without the graph. */
export function explainRead(policy: Policy, claims: Claims, node: NodeRef): ReadExplanation {
  const caller = callerOf(policy, claims);
  const reasons: string[] = [];
  const verdicts: Verdict[] = [];
  const fields: Fields[] = [];
  for (const scope of caller.scopes) {
    const rights = policy.scopes.get(scope);
    if (rights === undefined) reasons.push(`The policy knows no scope \`${scope}\`.`);
    else verdicts.push(...scopeVerdicts(scope, rights, caller, node, fields));
  }
  if (caller.scopes.size === 0) reasons.push('The claims hold no scope: neither `scope` nor `scp`.');
  else if (!new Grant(policy, caller).allows('node')) {
    reasons.push(
      'No scope allows the operation `node`; the node can still be met over edges and in journeys.',
    );
  }
  reasons.push(...verdicts.map(({ reason }) => reason));
  const answer = verdicts.some(({ holds }) => holds === true)
    ? 'yes'
    : verdicts.some(({ holds }) => holds === null)
      ? 'depends'
      : 'no';
  return { answer, reasons, fields: listed(fields) };
}

function callerOf(policy: Policy, claims: Claims): Caller {
  const values = [...policy.claims].flatMap((name): (readonly [string, readonly ClaimValue[]])[] =>
    Object.hasOwn(claims, name) ? [[name, claimValues(claims[name])]] : [],
  );
  const subject = typeof claims.sub === 'string' ? claims.sub : '';
  const scopes = new Set(scopesOf(claims));
  return { kind: 'token', subject, scopes, claims: new Map(values), expiresAtMs: null, costBudget: null };
}

function scopeVerdicts(
  scope: string,
  { nodes }: ScopeRights,
  caller: Caller,
  node: NodeRef,
  fields: Fields[],
): readonly Verdict[] {
  const rights = [nodes.get(node.type), nodes.get(everyName)].filter((found) => found !== undefined);
  if (rights.length === 0) {
    return [{ holds: false, reason: `Scope \`${scope}\` names no nodes of type \`${node.type}\`.` }];
  }
  return rights.flatMap((right) => {
    const verdicts = rightVerdicts(scope, right, caller, node);
    if (verdicts.some(({ holds }) => holds !== false)) fields.push(right.fields);
    return verdicts;
  });
}

function rightVerdicts(
  scope: string,
  { rows }: NodeRights,
  caller: Caller,
  node: NodeRef,
): readonly Verdict[] {
  if (rows === 'all') return [{ holds: true, reason: `Scope \`${scope}\` shows all nodes of that type.` }];
  return rows.map((rule) => {
    const { holds, reason } = ruleVerdict(rule, caller, node);
    return { holds, reason: `Scope \`${scope}\`: ${reason}.` };
  });
}

function ruleVerdict(rule: RowRule, { claims }: Caller, { id }: NodeRef): Verdict {
  if (rule.kind === 'over') {
    const arrow =
      rule.direction === 'out' ? `leads over \`${rule.edge}\` to` : `is led to over \`${rule.edge}\` by`;
    return {
      holds: null,
      reason: `it is shown if it ${arrow} a \`${rule.node}\` that is shown by a rule about itself`,
    };
  }
  const values = claims.get(rule.claim) ?? [];
  if (values.length === 0)
    return { holds: false, reason: `the claim \`${rule.claim}\` is missing, which equals nothing` };
  const shown = values.map((value) => JSON.stringify(value)).join(' or ');
  if (rule.kind === 'property') {
    return {
      holds: null,
      reason: `it is shown if its property \`${rule.property}\` is ${shown} (claim \`${rule.claim}\`)`,
    };
  }
  const holds = values.some((value) => typeof value !== 'boolean' && String(value) === id);
  return { holds, reason: `its id is ${holds ? '' : 'not '}${shown} (claim \`${rule.claim}\`)` };
}

function listed(fields: readonly Fields[]): 'all' | readonly string[] {
  const names = new Set<string>();
  for (const some of fields) {
    if (some === 'all') return 'all';
    for (const name of some) names.add(name);
  }
  return [...names].sort();
}
