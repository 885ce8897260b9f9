import { type Html, html } from './html.ts';

export interface PlotLine {
  readonly label: string;
  /** 1 to 5: a colour of the page. */
  readonly colour: number;
  readonly values: readonly number[];
  /** Fills the area below it. */
  readonly filled?: boolean;
}

export interface PlotMark {
  readonly atMs: number;
  readonly label: string;
  readonly kind: 'stage' | 'fault';
}

export interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly PlotLine[];
  readonly bucketMs: number;
  readonly durationMs: number;
  readonly marks: readonly PlotMark[];
  /** A bound of the plan; null: none. */
  readonly bound: number | null;
  /** Shares are shown as percent. */
  readonly isShare: boolean;
}

const width = 720;
const height = 220;
const margin = { left: 62, right: 30, top: 12, bottom: 26 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };

/** One figure: a plot with its title and the legend below, readable without colours by its title texts. */
export function plotFigure(plot: Plot): Html {
  const greatest = Math.max(0, plot.bound ?? 0, ...plot.lines.map(({ values }) => maxOf(values)));
  const top = niceCeiling(greatest);
  const x = (atMs: number): number => margin.left + (inner.width * atMs) / plot.durationMs;
  const y = (value: number): number => margin.top + inner.height * (1 - Math.min(1, value / top));
  const peaks = plot.lines.map(
    ({ label, values }) => `${label} up to ${valueText(maxOf(values), plot.isShare)}`,
  );
  return html`<figure>
<figcaption>${plot.title} <small>${plot.unit}</small></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${`${plot.title}: ${peaks.join(', ')}`}">
${grid(top, y, plot.isShare)}${timeAxis(plot.durationMs, x)}${plot.marks.map((mark) => markLine(mark, x))}
${plot.lines.map((line) => pathOf(line, plot.bucketMs, x, y))}${boundLine(plot.bound, y)}
</svg>
<ul class="legend">${plot.lines.map(
    ({ label, colour, values }) =>
      html`<li><i class="c${colour}"></i>${label} <b>${valueText(maxOf(values), plot.isShare)}</b></li>`,
  )}</ul>
</figure>
`;
}

function pathOf(
  { values, colour, filled }: PlotLine,
  bucketMs: number,
  x: (atMs: number) => number,
  y: (value: number) => number,
): Html {
  const points = values.map(
    (value, index) => `${x((index + 0.5) * bucketMs).toFixed(1)},${y(value).toFixed(1)}`,
  );
  if (points.length === 0) return html``;
  const line = html`<polyline class="l${colour}" points="${points.join(' ')}"/>`;
  if (filled !== true) return line;
  const base = y(0).toFixed(1);
  const ends = [
    `${x(0.5 * bucketMs).toFixed(1)},${base}`,
    `${x((values.length - 0.5) * bucketMs).toFixed(1)},${base}`,
  ];
  return html`<polygon class="f${colour}" points="${`${ends[0]} ${points.join(' ')} ${ends[1]}`}"/>${line}`;
}

function grid(top: number, y: (value: number) => number, isShare: boolean): Html {
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  return html`${steps.map(
    (value) =>
      html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="${margin.left - 6}" y="${y(value) + 4}" text-anchor="end">${valueText(value, isShare)}</text>`,
  )}`;
}

function timeAxis(durationMs: number, x: (atMs: number) => number): Html {
  const minutes = durationMs / 60_000;
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 240].find((candidate) => minutes / candidate <= 9) ?? 480;
  const ticks = Array.from({ length: Math.floor(minutes / step) + 1 }, (_, index) => index * step);
  return html`${ticks.map(
    (minute) =>
      html`<text class="tick" x="${x(minute * 60_000)}" y="${height - 8}" text-anchor="middle">${minute} min</text>`,
  )}`;
}

function markLine({ atMs, label, kind }: PlotMark, x: (atMs: number) => number): Html {
  const at = x(atMs).toFixed(1);
  return html`<g><title>${label}</title><line class="mark ${kind}" x1="${at}" x2="${at}" y1="${margin.top}" y2="${height - margin.bottom}"/></g>`;
}

function boundLine(bound: number | null, y: (value: number) => number): Html {
  if (bound === null) return html``;
  return html`<g><title>the plan's bound</title><line class="bound" x1="${margin.left}" x2="${width - margin.right}" y1="${y(bound)}" y2="${y(bound)}"/></g>`;
}

function maxOf(values: readonly number[]): number {
  return values.reduce((max, value) => Math.max(max, value), 0);
}

function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function valueText(value: number, isShare: boolean): string {
  if (isShare) return `${(value * 100).toFixed(value > 0 && value < 0.1 ? 1 : 0)} %`;
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}
