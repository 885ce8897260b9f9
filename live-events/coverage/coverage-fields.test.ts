import { GraphQLID, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, graphql } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '../live-event.ts';
import { coverageFields } from './coverage-fields.ts';
import {
  coverageFolder,
  deliveries,
  FakeAudience,
  liveEventAt,
  reportOf,
  startTestCoverage,
} from './coverage-testing.ts';
import type { CoverageTracker } from './coverage-tracker.ts';

function schemaOf(coverage: CoverageTracker): GraphQLSchema {
  const event = new GraphQLObjectType<LiveEvent>({
    name: 'LiveEvent',
    fields: { id: { type: new GraphQLNonNull(GraphQLID) }, ...coverageFields(coverage) },
  });
  const query = new GraphQLObjectType({
    name: 'Query',
    fields: { liveEvent: { type: event, resolve: () => liveEventAt(1) } },
  });
  return new GraphQLSchema({ query });
}

async function ask(coverage: CoverageTracker, fields: string, grant: unknown = null): Promise<unknown> {
  const contextValue = { grant, reads: { take: () => undefined } };
  const { data, errors } = await graphql({
    schema: schemaOf(coverage),
    source: `{ liveEvent { ${fields} } }`,
    contextValue,
  });
  return errors === undefined ? JSON.parse(JSON.stringify(data?.liveEvent)) : errors[0]?.extensions;
}

describe('Coverage in GraphQL', () => {
  it('gives figures of a broadcast and pages of who is missing', async () => {
    const audience = new FakeAudience('everybody', 4);
    const coverage = await startTestCoverage(await coverageFolder(), { audience });
    const epoch = 1_795_300_000_000;
    coverage.begin(liveEventAt(1, { epoch }));
    coverage.report(reportOf(1, { epoch, sent: deliveries('a0@7', 'a1'), applied: deliveries('a1@12') }));
    expect(
      await ask(
        coverage,
        `coverage(sequence: 1) { epoch sequence stage at audience connected sent applied share t50Ms t99Ms t100Ms
          sentTimes { t100Ms } missing { reason count } missingMembers(first: 2) { member reason cursor } }`,
      ),
    ).toEqual({
      coverage: {
        epoch,
        sequence: 1,
        stage: 'live',
        at: '1970-01-01T00:00:01.000Z',
        audience: 4,
        connected: 2,
        sent: 2,
        applied: 1,
        share: 0.25,
        t50Ms: 12,
        t99Ms: 12,
        t100Ms: 12,
        sentTimes: { t100Ms: 7 },
        missing: [
          { reason: 'NEVER_PREFETCHED', count: 0 },
          { reason: 'NEVER_CONNECTED', count: 2 },
          { reason: 'DISCONNECTED_BEFORE', count: 0 },
          { reason: 'TOO_SLOW', count: 0 },
          { reason: 'SILENT', count: 1 },
        ],
        missingMembers: [
          { member: 'Account:a0', reason: 'SILENT', cursor: 'AQAAAAA' },
          { member: 'Account:a2', reason: 'NEVER_CONNECTED', cursor: 'AQAAAAI' },
        ],
      },
    });
    const next = 'coverages { missingMembers(reason: NEVER_CONNECTED, after: "AQAAAAI") { member } }';
    expect(await ask(coverage, next)).toEqual({
      coverages: [{ missingMembers: [{ member: 'Account:a3' }] }],
    });
    expect(await ask(coverage, 'coverage(sequence: 9) { sent }')).toEqual({ coverage: null });
    await coverage.close();
  });

  it('refuses hostile arguments, and callers from whom something is hidden', async () => {
    const audience = new FakeAudience('everybody', 4);
    const coverage = await startTestCoverage(await coverageFolder(), { audience });
    coverage.begin(liveEventAt(1));
    await coverage.settled();
    for (const fields of [
      'coverages(last: 65) { sent }',
      'coverages(last: 0) { sent }',
      'coverage { missingMembers(first: 501) { member } }',
      'coverage { missingMembers(first: -1) { member } }',
      'coverage { missingMembers(after: "AQAAAAJ") { member } }',
      'coverage { missingMembers(after: "") { member } }',
    ])
      expect(await ask(coverage, fields), fields).toMatchObject({ code: 'BAD_USER_INPUT' });
    const grant = { seesEverything: false };
    for (const fields of ['coverage { sent }', 'coverages { sent }'])
      expect(await ask(coverage, fields, grant)).toMatchObject({ code: 'FORBIDDEN' });
    expect(await ask(coverage, 'coverages { sent }', { seesEverything: true })).toEqual({
      coverages: [{ sent: 0 }],
    });
    await coverage.close();
  });
});
