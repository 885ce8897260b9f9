import { describe, expect, it } from 'vitest';
import { AgingSketch, LearnedDegrees } from './degree-statistics.ts';

function sketchOf(values: readonly number[]): AgingSketch {
  const sketch = new AgingSketch();
  for (const value of values) sketch.observe(value);
  return sketch;
}

describe('A sketch of counts', () => {
  it('says nothing before it has seen enough', () => {
    expect(sketchOf(Array(31).fill(5)).p99()).toBeNull();
    expect(sketchOf(Array(32).fill(5)).p99()).toBe(8);
  });

  it('is never below the 99th percentile and never twice above it', () => {
    for (const size of [1, 2, 3, 17, 300, 9999]) {
      const p99 = sketchOf([...Array(990).fill(1), ...Array(20).fill(size)]).p99() ?? 0;
      expect(p99).toBeGreaterThanOrEqual(size);
      expect(p99).toBeLessThan(2 * size + 1);
    }
  });

  it('leaves one heavy node in a thousand aside', () => {
    expect(sketchOf([...Array(999).fill(4), 1_000_000]).p99()).toBe(4);
  });

  it('believes in what it sees lately: a graph that shrank is bounded by its new size in time', () => {
    const sketch = sketchOf(Array(1_000_000).fill(5000));
    expect(sketch.p99()).toBe(8192);
    for (let i = 0; i < 40_000; i += 1) sketch.observe(10);
    expect(sketch.p99()).toBe(16);
  });
});

describe('Learned degrees', () => {
  it('keep edge types and directions apart', () => {
    const degrees = new LearnedDegrees();
    for (let i = 0; i < 100; i += 1) degrees.observeHop('WATCHED', 'out', 30, true);
    expect(degrees.rowsOfHop('WATCHED', 'out')).toBe(32);
    expect(degrees.rowsOfHop('WATCHED', 'in')).toBeNull();
    expect(degrees.rowsOfHop('PLAYED', 'out')).toBeNull();
  });

  it('take a hop that its limit ended for one of those that are known to be at least as large', () => {
    const degrees = new LearnedDegrees();
    for (let i = 0; i < 100; i += 1) degrees.observeHop('WATCHED', 'in', i % 2 === 0 ? 5 : 200, i % 2 !== 0);
    expect(degrees.rowsOfHop('WATCHED', 'in')).toBe(256);
  });

  it('know nothing of an edge type of which only small pages were seen, and of larger ones that it has more', () => {
    const degrees = new LearnedDegrees();
    for (let i = 0; i < 1000; i += 1) degrees.observeHop('WATCHED', 'in', 5, i % 50 !== 0 && i % 3 === 0);
    expect(degrees.rowsOfHop('WATCHED', 'in')).toBeNull();
    for (let i = 0; i < 100; i += 1) degrees.observeHop('WATCHED', 'in', 3000, false);
    expect(degrees.rowsOfHop('WATCHED', 'in')).toBe(4096);
  });

  it('count a hop that is read on once, by all its rows', () => {
    const degrees = new LearnedDegrees();
    for (let i = 0; i < 3000; i += 1) {
      degrees.observeHop('WATCHED', 'in', 8, false);
      degrees.observeHop('WATCHED', 'in', 40, false, 8);
      degrees.observeHop('WATCHED', 'in', 100, true, 40);
    }
    expect(degrees.rowsOfHop('WATCHED', 'in')).toBe(128);
  });

  it('keep a bounded number of types, those seen lately', () => {
    const degrees = new LearnedDegrees();
    const see = (type: string): void => {
      for (let i = 0; i < 32; i += 1) degrees.observeHop(type, 'out', 1, true);
    };
    see('FIRST');
    for (let i = 0; i < 1023; i += 1) see(`T${i}`);
    see('FIRST');
    see('ONE_MORE');
    expect(degrees.rowsOfHop('FIRST', 'out')).toBe(1);
    expect(degrees.rowsOfHop('T0', 'out')).toBeNull();
    expect(degrees.rowsOfHop('ONE_MORE', 'out')).toBe(1);
  });

  it('learn what a step of a journey takes', () => {
    const degrees = new LearnedDegrees();
    for (let i = 0; i < 50; i += 1) degrees.observeJourney('all', 50, 190);
    expect(degrees.rowsPerStep('all')).toBe(4);
    // One of a rare domain passes over many.
    expect(degrees.rowsPerStep('some')).toBeNull();
  });
});
