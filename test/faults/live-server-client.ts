import { askGraphql } from '../../cli/graphql-client.ts';
import type { ConnectionGrant, Schedule } from '../../device/index.ts';
import type { StageTruth } from './live-kill-devices.ts';

const createMutation = `mutation ($id: ID!, $title: String!, $stages: [LiveStageInput!]!) {
  createLiveEvent(id: $id, title: $title, stages: $stages) { id }
}`;
const advanceMutation = `mutation ($id: ID!, $from: String!, $to: String!) {
  advanceLiveEvent(id: $id, from: $from, to: $to) { id }
}`;
const stateQuery = `query ($id: ID!) {
  liveEvent(id: $id) { version lastBroadcast { epoch sequence stage } }
}`;
const connectionQuery = `query ($id: ID!, $member: String!, $device: String!) {
  liveEvent(id: $id) { connection(member: $member, device: $device) { url token } }
}`;

type Fields = Readonly<Record<string, unknown>>;

/** What an operator and a device ask `jg up` for, over HTTP. Each throws when there is no answer, or another one. */
export class LiveServerClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async create(id: string, stages: Schedule): Promise<void> {
    const asked = stages.map(({ key, kind, startsAtMs }) => ({
      key,
      kind: kind.toUpperCase(),
      startsAt: startsAtMs === null ? null : new Date(startsAtMs).toISOString(),
    }));
    await this.#ask(createMutation, { id, title: id, stages: asked });
  }

  async advance(id: string, from: string, to: string): Promise<void> {
    await this.#ask(advanceMutation, { id, from, to });
  }

  async state(id: string): Promise<StageTruth & { readonly version: number }> {
    const { version, lastBroadcast } = await this.#event(stateQuery, { id });
    const { epoch, sequence, stage } = fieldsOf(lastBroadcast);
    return {
      version: Number(version),
      epoch: Number(epoch),
      sequence: Number(sequence),
      stage: String(stage),
    };
  }

  async connection(id: string, member: string, device: string): Promise<ConnectionGrant> {
    const { connection } = await this.#event(connectionQuery, { id, member, device });
    const { url, token } = fieldsOf(connection);
    return { url: String(url), token: String(token) };
  }

  async #event(query: string, variables: Fields): Promise<Fields> {
    return fieldsOf((await this.#ask(query, variables)).liveEvent);
  }

  async #ask(query: string, variables: Fields): Promise<Fields> {
    const { data, errors } = await askGraphql({ url: this.url, token: null }, query, variables);
    const [first] = errors ?? [];
    if (first !== undefined) throw new Error(`${this.url} answered: ${first.message}`);
    return fieldsOf(data);
  }
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) throw new Error(`${JSON.stringify(value)} is no object`);
  return { ...value };
}
