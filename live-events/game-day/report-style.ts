/** Light and dark by what the reader's system says; printed as light. No script, nothing fetched. */
export const reportStyle = `
:root { color-scheme: light dark; --paper: #fbfaf8; --card: #fff; --ink: #1c1b19; --soft: #6c675f; --rule: #e4e0d9; --good: #1a7f4b; --bad: #c0392b;
  --c1: #2563c9; --c2: #d9730d; --c3: #18866f; --c4: #8b46c4; --c5: #b3305f; }
@media (prefers-color-scheme: dark) { :root { --paper: #151513; --card: #1e1d1b; --ink: #edeae4; --soft: #a09a90; --rule: #34322e; --good: #4cc38a; --bad: #ff7b6b;
  --c1: #7aa9ff; --c2: #ffa657; --c3: #4fd1b5; --c4: #c79bf2; --c5: #f58ab0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { margin: 0; font-size: 28px; letter-spacing: -0.02em; } h2 { margin: 40px 0 12px; font-size: 18px; }
p { margin: 6px 0; color: var(--soft); max-width: 80ch; }
.verdict { display: inline-block; margin: 14px 0 4px; padding: 4px 14px; border-radius: 99px; font-weight: 600; color: var(--card); background: var(--good); }
.verdict.bad { background: var(--bad); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); gap: 16px; }
figure, .card { margin: 0; padding: 14px 16px; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
figcaption { font-weight: 600; } small { color: var(--soft); font-weight: 400; }
svg { display: block; width: 100%; height: auto; } .tick { fill: var(--soft); font-size: 11px; } .grid { stroke: var(--rule); }
polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; } polygon { opacity: .14; }
.mark { stroke-dasharray: 3 3; } .stage { stroke: var(--soft); } .fault { stroke: var(--bad); } .bound { stroke: var(--bad); stroke-width: 1.2; }
.l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); } .l3 { stroke: var(--c3); } .l4 { stroke: var(--c4); } .l5 { stroke: var(--c5); }
.f1 { fill: var(--c1); } .f2 { fill: var(--c2); } .f3 { fill: var(--c3); } .f4 { fill: var(--c4); } .f5 { fill: var(--c5); }
.c1 { background: var(--c1); } .c2 { background: var(--c2); } .c3 { background: var(--c3); } .c4 { background: var(--c4); } .c5 { background: var(--c5); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 13px; }
.legend i { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 3px; } .legend b { color: var(--ink); font-weight: 600; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px 6px 0; text-align: left; border-bottom: 1px solid var(--rule); white-space: nowrap; } th { color: var(--soft); font-weight: 500; font-size: 13px; }
td.n, th.n { text-align: right; } .ok { color: var(--good); } .no { color: var(--bad); font-weight: 600; } tr:last-child td { border-bottom: 0; }
li { margin: 2px 0; } code { font: 13px ui-monospace, monospace; }
@media print { body { background: #fff; } figure, .card { break-inside: avoid; } }
`;
