import { describe, expect, it } from 'vitest';
import { html } from './html.ts';
import { minuteMs, play, smallScenario } from './rehearsal-testing.ts';
import { notModelled, renderReport } from './report.ts';
import { judge } from './verdict.ts';

const targets = { ...smallScenario.targets, t100Ms: 60_000, prefetchCoverageMin: 0.9, userAdmittedMin: 0.99, quietRefreshesMax: 0, recoveryMs: 30_000, gatewayCpuMax: 0.9, stepsBackMax: 0 }; // biome-ignore format: one row
const faults = [{ kind: 'connections-lost', atMs: 20 * minuteMs, share: 0.5 }] as const;

describe('judge', () => {
  it('passes a plan that holds', () => {
    const verdict = judge(play({ targets, faults }));
    expect(verdict.checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(verdict).toMatchObject({ passed: true, checks: { length: 7 } });
  });

  it('fails a plan that asks for too much, and says where', () => {
    const verdict = judge(play({ targets: { ...targets, t100Ms: 1, recoveryMs: 1 }, faults }));
    expect(verdict.passed).toBe(false);
    const failed = verdict.checks.filter(({ passed }) => !passed);
    expect(failed.map(({ name }) => name)).toEqual([
      'T100 of the slowest broadcast',
      'All back after a fault',
    ]);
    expect(failed[0]?.where).toMatch(/^\d: (live|lobby|ended|announced) begins$/);
  });

  it('fails what was never measured', () => {
    const verdict = judge(play({ targets, durationMs: 11 * minuteMs }));
    expect(verdict.checks.find(({ name }) => name === 'Prefetched when it went live')).toMatchObject({ passed: false, actual: 'it never went live' }); // biome-ignore format: one row
  });

  it('passes a plan that asks for nothing', () => {
    expect(judge(play())).toEqual({ passed: true, checks: [] });
  });
});

describe('renderReport', () => {
  const hostile = '<script>alert("x")</script>&\u0007\ud800';
  const result = play({ name: hostile, targets, faults });
  const page = renderReport(result, judge(result));

  it('is one page with all plots, which needs no script and fetches nothing', () => {
    for (const title of [
      'Arrivals',
      'Connected',
      'Prefetches',
      'Expirations',
      'Deliveries',
      'CPU',
      'Shed by class',
    ])
      expect(page).toContain(`<figcaption>${title}`);
    expect(page.match(/<svg /g)).toHaveLength(7);
    expect(page).not.toMatch(/<script|src=|href=|url\(|@import|NaN|undefined|Infinity/);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('prefers-color-scheme: dark');
  });

  it('says seed, trace, constants, verdict and what is not modelled', () => {
    for (const text of [
      `Seed 3`,
      result.hash,
      'cpuMicrosPerDelivery',
      'The plan holds',
      'bench/results/broadcast.json',
    ])
      expect(page).toContain(text);
    expect(notModelled.length).toBeGreaterThan(4);
    expect(page).toContain('TLS: its handshakes');
  });

  it('escapes what others wrote', () => {
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;');
    expect(page.isWellFormed()).toBe(true);
  });
});

it('html escapes everything but markup', () => {
  const inner = html`<b>${'<&>"\''}</b>`;
  expect(html`<p title="${'"'}">${[inner, inner]}${3}</p>`.markup).toBe(
    '<p title="&quot;"><b>&lt;&amp;&gt;&quot;&#39;</b><b>&lt;&amp;&gt;&quot;&#39;</b>3</p>',
  );
});
